package signature_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
)

func TestSecretsAreOneOrAList(t *testing.T) {
	t.Parallel()
	end := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	old := signature.Secret{Value: "old-secret", Label: "old", NotAfter: end}
	for text, want := range map[string]signature.Secrets{
		"new-secret":                 {{Value: "new-secret"}},
		"[new-secret, other-secret]": {{Value: "new-secret"}, {Value: "other-secret"}},
		"[{ value: old-secret, label: old, not_after: 2030-01-02T03:04:05Z }, new-secret]": {old, {Value: "new-secret"}},
		"[{ value: new-secret }]": {{Value: "new-secret"}},
	} {
		var got signature.Secrets
		if err := yaml.Unmarshal([]byte(text), &got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %d secrets, %v", text, len(got), err)
		}
	}
	for _, text := range []string{"{ value: new-secret }", "[[new-secret]]", "[{ value: new-secret, not_after: soon }]"} {
		var got signature.Secrets
		if err := yaml.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}

func TestASecretEndsAtItsTime(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{now, now.Add(time.Nanosecond)} {
		v, err := signature.New(preset(t, "gitlab"), []signature.Secret{{Value: secret, NotAfter: now}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(request("{}", "X-Gitlab-Token", secret), at); (err == nil) != at.Equal(now) {
			t.Errorf("%v after its end: %v", at.Sub(now), err)
		}
	}
	if _, err := signature.New(preset(t, "gitlab"), []signature.Secret{{Value: ""}}); err == nil || !strings.Contains(err.Error(), `secret "1" is empty`) {
		t.Errorf("an empty secret: %v", err)
	}
	for _, value := range []string{" " + secret, secret + "\n"} {
		if _, err := signature.New(preset(t, "gitlab"), []signature.Secret{{Value: setting.Secret(value)}}); err == nil || !strings.Contains(err.Error(), "white space") {
			t.Errorf("%q: %v", value, err)
		}
	}
}
