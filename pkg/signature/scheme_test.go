package signature_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
)

func TestNewNamesEveryWrongFieldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := signature.New(signature.Scheme{
		Kind: signature.HMAC, Token: "bearer", Algorithm: "md5", KeyEncoding: "base32", Template: "{timestamp}{boddy}{url",
		Signature: signature.Signature{In: "cookie:x", Encoding: "raw"},
		Timestamp: signature.Timestamp{In: "signature:t", Unit: "min", Tolerance: -1},
		ID:        "header:X-ID",
	}, []signature.Secret{{}, {Value: " padded\n", Label: "second"}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"token:", "algorithm:", "key_encoding:", "template: {boddy}", "a { without a }", "signature.in:", "signature.encoding:",
		"timestamp.unit:", "timestamp.tolerance:", "signature.separator:", "id:", `secret "1" is empty`, `secret "second" begins or ends`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	sig := signature.Signature{In: "header:X-Sig"}
	for _, c := range []struct {
		name   string
		scheme signature.Scheme
		want   string
	}{
		{"no kind", signature.Scheme{}, "kind:"},
		{"a token nowhere", signature.Scheme{Kind: signature.Token}, "header:NAME, query:NAME or json:PATH or bearer or basic"},
		{"a token with a template", signature.Scheme{Kind: signature.Token, Token: "bearer", Template: "{body}"}, "leave out"},
		{"a bearer with a name", signature.Scheme{Kind: signature.Token, Token: "bearer:x"}, "token:"},
		{"a header with a space", signature.Scheme{Kind: signature.Token, Token: "header:X Y"}, "token:"},
		{"a template without the body", signature.Scheme{Kind: signature.HMAC, Template: "{url}", Signature: sig}, "signs nothing of the body"},
		{"an empty template", signature.Scheme{Kind: signature.HMAC, Signature: sig}, "signs nothing of the body"},
		{"a time that is not signed", signature.Scheme{Kind: signature.HMAC, Template: "{body}", Signature: sig, Timestamp: signature.Timestamp{In: "header:X-Time"}}, "does not sign {timestamp}"},
		{"a signed time from nowhere", signature.Scheme{Kind: signature.HMAC, Template: "{timestamp}{body}", Signature: sig}, "timestamp.in:"},
		{"a signed ID from nowhere", signature.Scheme{Kind: signature.HMAC, Template: "{id}{body}", Signature: sig}, "id:"},
		{"a signature inside itself", signature.Scheme{Kind: signature.HMAC, Template: "{body}", Signature: signature.Signature{In: "signature:v1"}}, "signature.in:"},
	} {
		if _, err := signature.New(c.scheme, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestNewRefusesKeysThatDoNotDecodeAndDoesNotShowThem(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"whsec_", "whsec_not/base64!", "whsec_MDEyMzQ1Njc4OWFiY2RlZ"} {
		_, err := signature.New(preset(t, "standard-webhooks"), []signature.Secret{{Value: setting.Secret(value), Label: "mine"}})
		if err == nil || !strings.Contains(err.Error(), `"mine"`) || strings.Contains(err.Error(), strings.TrimPrefix(value, "whsec_")+"x") {
			t.Errorf("%s: %v", value, err)
		}
		if err != nil && value != "whsec_" && strings.Contains(err.Error(), value) {
			t.Errorf("the error holds the secret: %v", err)
		}
	}
}

func TestASecretIsNotPrinted(t *testing.T) {
	t.Parallel()
	s := signature.Secret{Value: setting.Secret(secret), Label: "mine"}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, s) + fmt.Sprintf(format, []signature.Secret{s}); strings.Contains(text, secret) {
			t.Errorf("%s prints %s", format, text)
		}
	}
}

func TestASecretShowsItsLabelAndEnd(t *testing.T) {
	t.Parallel()
	end := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for want, s := range map[string]signature.Secret{
		"(hidden)": {Value: secret}, "old": {Value: secret, Label: "old"},
		"old until 2030-01-02T03:04:05Z": {Value: secret, Label: "old", NotAfter: end},
	} {
		if shown, err := s.MarshalYAML(); err != nil || shown != want {
			t.Errorf("%v, %v; want %s", shown, err, want)
		}
	}
}

func TestASchemeIsChangedByDecodingYAMLOverAPreset(t *testing.T) {
	t.Parallel()
	s := preset(t, "stripe")
	if err := yaml.Unmarshal([]byte("timestamp: {tolerance: 10m}\nsignature: {in: 'header:X-Sig'}"), &s); err != nil {
		t.Fatal(err)
	}
	want := preset(t, "stripe")
	want.Timestamp.Tolerance, want.Signature.In = 10*time.Minute, "header:X-Sig"
	if s != want {
		t.Errorf("%+v", s)
	}
}
