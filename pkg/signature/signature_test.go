package signature_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
)

// secret fits every preset: "whsec_" and the base64 of 32 bytes. For basic its colon-free form is a user alone.
const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

var now = time.Unix(1_700_000_000, 0)

// bodies are what encodings and copies get wrong.
var bodies = map[string]string{
	"JSON":     `{"id":"1","action":"JOB_END"}`,
	"XML":      `<webhook><id>1</id></webhook>`,
	"empty":    "",
	"unicode":  `{"title":"Das Straßenbahnwörterbuch 🎣 日本語"}`,
	"binary":   "\x00\xff\xfe{}",
	"line end": "{}\r\n",
}

func preset(t testing.TB, name string) signature.Scheme {
	t.Helper()
	s, ok := signature.Preset(name)
	if !ok {
		t.Fatalf("no preset %s", name)
	}
	return s
}

func verifier(t testing.TB, s signature.Scheme, secrets ...string) *signature.Verifier {
	t.Helper()
	var all []signature.Secret
	for _, value := range secrets {
		all = append(all, signature.Secret{Value: setting.Secret(value)})
	}
	v, err := signature.New(s, all)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func request(body string, header ...string) signature.Request {
	r := signature.Request{Method: http.MethodPost, URL: "https://example.org/webhooks/x", Header: http.Header{}, Query: url.Values{}, Body: []byte(body)}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func reason(err error) string {
	var e *signature.Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

func mac(h func() hash.Hash, key, text string) []byte {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(text))
	return m.Sum(nil)
}

func hexMAC(key, text string) string { return hex.EncodeToString(mac(sha256.New, key, text)) }

func b64MAC(key, text string) string {
	return base64.StdEncoding.EncodeToString(mac(sha256.New, key, text))
}

func TestEveryPresetVerifiesItsSignatures(t *testing.T) {
	t.Parallel()
	for _, name := range signature.Presets() {
		v := verifier(t, preset(t, name), secret)
		for what, body := range bodies {
			r := request(body)
			if err := v.Sign(&r, "msg_1", now); err != nil {
				t.Fatalf("%s, %s: sign: %v", name, what, err)
			}
			if proof, err := v.Verify(r, now); err != nil || proof.Label != "1" {
				t.Errorf("%s, %s: %v, %v", name, what, proof, err)
			}
			if string(r.Body) != body {
				t.Errorf("%s, %s: the body changed", name, what)
			}
		}
	}
}

func TestEverySignedBodyIsRefusedOnceOneByteDiffers(t *testing.T) {
	t.Parallel()
	for _, name := range signature.Presets() {
		s := preset(t, name)
		if s.Kind == signature.Token {
			continue
		}
		v := verifier(t, s, secret)
		r := request(`{"a":1}`)
		if err := v.Sign(&r, "msg_1", now); err != nil {
			t.Fatal(err)
		}
		for _, changed := range []string{`{"a":2}`, `{"a":1} `, `{"a": 1}`, ""} {
			r.Body = []byte(changed)
			if _, err := v.Verify(r, now); reason(err) != signature.Mismatch {
				t.Errorf("%s, %q: %v", name, changed, err)
			}
		}
	}
}

func TestPresetsOfTheReadme(t *testing.T) {
	t.Parallel()
	want := []string{"alma", "github", "stripe", "slack", "shopify", "standard-webhooks", "gitlab", "bitbucket", "meta", "dropbox", "zoom", "token", "basic"}
	if got := signature.Presets(); !slices.Equal(got, want) {
		t.Errorf("presets %q", got)
	}
	if _, ok := signature.Preset("nobody"); ok {
		t.Error("a preset for nobody")
	}
}

func TestNoSecretRefusesEverything(t *testing.T) {
	t.Parallel()
	for _, name := range signature.Presets() {
		r := request("{}")
		if err := verifier(t, preset(t, name), secret).Sign(&r, "msg_1", now); err != nil {
			t.Fatal(err)
		}
		none := verifier(t, preset(t, name))
		if _, err := none.Verify(r, now); reason(err) != signature.NoSecret {
			t.Errorf("%s: %v", name, err)
		}
		if err := none.Sign(&r, "msg_1", now); reason(err) != signature.NoSecret {
			t.Errorf("%s: sign: %v", name, err)
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	for _, name := range signature.Presets() {
		const old, current = secret, "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
		v, err := signature.New(preset(t, name), []signature.Secret{{Value: old, Label: "old", NotAfter: now}, {Value: current, Label: "new"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			value, label, reason string
			at                   time.Time
		}{
			{old, "old", "", now},
			{current, "new", "", now},
			{old, "", signature.Mismatch, now.Add(time.Second)},
			{current, "new", "", now.Add(time.Second)},
		} {
			r := request("{}")
			if err := verifier(t, preset(t, name), c.value).Sign(&r, "msg_1", c.at); err != nil {
				t.Fatal(err)
			}
			if proof, err := v.Verify(r, c.at); proof.Label != c.label || reason(err) != c.reason {
				t.Errorf("%s at %v: %v, %v, want %q %q", name, c.at, proof, err, c.label, c.reason)
			}
		}
		r := request("{}")
		if err := v.Sign(&r, "msg_1", now.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if proof, err := v.Verify(r, now.Add(time.Second)); proof.Label != "new" {
			t.Errorf("%s: signed with an expired secret: %v", name, err)
		}
	}
}

func TestExpiredSecretsAloneAreNoSecret(t *testing.T) {
	t.Parallel()
	for _, name := range signature.Presets() {
		v, err := signature.New(preset(t, name), []signature.Secret{{Value: setting.Secret(secret), NotAfter: now}})
		if err != nil {
			t.Fatal(err)
		}
		r := request("{}")
		if err := v.Sign(&r, "msg_1", now); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(r, now.Add(1)); reason(err) != signature.NoSecret {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrorsHoldNothingSecret(t *testing.T) {
	t.Parallel()
	for _, name := range signature.Presets() {
		signer, v := verifier(t, preset(t, name), "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), verifier(t, preset(t, name), secret)
		r := request("{}")
		if err := signer.Sign(&r, "msg_1", now); err != nil {
			t.Fatal(err)
		}
		var shown []string
		for header, values := range r.Header {
			shown = append(shown, values...)
			for _, change := range []func(string) string{
				func(s string) string { return s },
				func(s string) string { return s[:len(s)-1] },
				func(s string) string { return s + "!" },
				strings.ToUpper,
			} {
				changed := request("{}")
				changed.Header = r.Header.Clone()
				changed.Header.Set(header, change(values[0]))
				_, err := v.Verify(changed, now)
				if err == nil {
					t.Fatalf("%s: accepted", name)
				}
				for _, leak := range append(shown, secret, secret[6:]) {
					if strings.Contains(err.Error(), leak) {
						t.Errorf("%s: %q holds %q", name, err, leak)
					}
				}
			}
		}
	}
}

func TestConcurrentUseOfOneVerifier(t *testing.T) {
	t.Parallel()
	v := verifier(t, preset(t, "alma"), secret)
	results := make(chan error)
	for i := range 8 {
		go func() {
			r := request(strings.Repeat("x", i))
			err := v.Sign(&r, "", now)
			for range 100 {
				_, verr := v.Verify(r, now)
				err = errors.Join(err, verr)
			}
			results <- err
		}()
	}
	for range 8 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}
