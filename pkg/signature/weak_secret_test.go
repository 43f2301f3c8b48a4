package signature_test

import (
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
)

func TestAGuessableSecretIsWeak(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ preset, value, want string }{
		{"alma", "change-me", "placeholder"},
		{"alma", "CHANGE_ME_please_0123456789", "placeholder"},
		{"alma", "<your secret goes here>", "placeholder"},
		{"github", "x", "shorter than 16"},
		{"github", "fifteen bytes..", "shorter than 16"},
		{"github", "sixteen bytes...", ""},
		{"github", "xxxxxxxxxxxxxxxxxxxxxxxxxx", "repeats 1 characters"},
		{"standard-webhooks", "whsec_AA==", "shorter than 16"},
		{"standard-webhooks", "whsec_MDEyMzQ1Njc4OWFiY2Rl", "shorter than 16"}, // 15 bytes in 20 letters
		{"standard-webhooks", "whsec_MDEyMzQ1Njc4OWFiY2RlZg==", ""},
		{"standard-webhooks", "v1,whsec_MDEyMzQ1Njc4OWFiY2RlZg==", ""}, // as Supabase shows it
		{"basic", "a-long-name-of-a-user:short", "shorter than 16"},
		{"basic", "u:sixteen bytes...", ""},
		{"token", "1", "shorter than 16"},
		{"token", "not base64 and long enough", ""},
	} {
		err := signature.CheckStrength(preset(t, c.preset), []signature.Secret{{Value: setting.Secret(c.value)}})
		switch {
		case (err == nil) != (c.want == ""):
			t.Errorf("%s %q: %v, want %q", c.preset, c.value, err, c.want)
		case err != nil && (!strings.Contains(err.Error(), `secret "1" `) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), c.value) && len(c.value) > 1):
			t.Errorf("%s %q: %v, want %q", c.preset, c.value, err, c.want)
		}
	}
}

func TestInvisibleCharactersInASecretAreRefused(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"\ufefffirst-test-secret", "f\x00i\x00r\x00s\x00t\x00", "first-\u200btest-secret", "first-test\r\nsecret"} {
		_, err := signature.New(preset(t, "github"), []signature.Secret{{Value: setting.Secret(value)}})
		if err == nil || !strings.Contains(err.Error(), "invisible") {
			t.Errorf("%q: %v", value, err)
		}
	}
	if _, err := signature.New(preset(t, "github"), []signature.Secret{{Value: "gäste-und-ä-geheim"}}); err != nil {
		t.Error(err)
	}
}
