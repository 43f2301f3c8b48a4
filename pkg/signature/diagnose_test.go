package signature_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
)

// oldSecret ended an hour before now.
const oldSecret = "whsec_b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xkLW9sZA=="

// rotated verifies with the secret "2026" and the old secret "2025".
func rotated(t testing.TB, s signature.Scheme) *signature.Verifier {
	t.Helper()
	v, err := signature.New(s, []signature.Secret{
		{Value: setting.Secret(secret), Label: "2026"},
		{Value: setting.Secret(oldSecret), Label: "2025", NotAfter: now.Add(-time.Hour)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// signed is a request that the sender of a preset signed with a secret.
func signed(t testing.TB, name, value, body string, at time.Time) signature.Request {
	t.Helper()
	r := request(body)
	if err := verifier(t, preset(t, name), value).Sign(&r, "msg_1", at); err != nil {
		t.Fatal(err)
	}
	return r
}

// altered is a request whose body was changed after it was signed.
func altered(t testing.TB, name, body, came string) signature.Request {
	t.Helper()
	r := signed(t, name, secret, body, now)
	r.Body = []byte(came)
	return r
}

const document = `{"id":"1","name":"Straße","at":1.50,"in":{"b":[],"a":[1,{}],"n":9999999999999999999},"url":"a/b <c>"}`

func TestDiagnosesOfChangedBodies(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write([]byte(document))
	_ = w.Close()
	spaced := `{"id": "1", "name": "Straße", "at": 1.50, "in": {"b": [], "a": [1, {}], "n": 9999999999999999999}, "url": "a/b <c>"}`
	indented := "{\n  \"id\": \"1\",\n  \"list\": [\n    1,\n    {}\n  ],\n  \"none\": []\n}"
	for _, c := range []struct {
		name, preset, body, came string
		want                     signature.Cause
		form                     string
	}{
		{"spaces added", "alma", document, spaced, signature.ChangedJSON, "the same JSON without spaces"},
		{"spaces removed", "alma", spaced, document, signature.ChangedJSON, "the same JSON with a space after commas and colons"},
		{"indent removed", "github", indented, `{"id":"1","list":[1,{}],"none":[]}`, signature.ChangedJSON, "the same JSON indented by 2"},
		{"indented by 4", "github", strings.ReplaceAll(indented, "  ", "    "), `{"id":"1","list":[1,{}],"none":[]}`, signature.ChangedJSON, "the same JSON indented by 4"},
		{"indented by tabs", "github", strings.ReplaceAll(indented, "  ", "\t"), `{"id":"1","list":[1,{}],"none":[]}`, signature.ChangedJSON, "the same JSON indented by tabs"},
		{"sorted", "stripe", `{"a":1,"b":{"c":2,"d":[{"e":1,"f":2}]}}`, `{"b":{"d":[{"f":2,"e":1}],"c":2},"a":1}`, signature.ChangedJSON, "sorted by name"},
		{"escapes of Python added", "slack", document, strings.ReplaceAll(spaced, "ß", `\u00df`), signature.ChangedJSON, "as JavaScript writes them"},
		{"escapes of Python removed", "slack", strings.ReplaceAll(spaced, "ß", `\u00df`), document, signature.ChangedJSON, "as Python writes them"},
		{"escapes of PHP removed", "shopify", `{"url":"a\/b","fish":"\ud83c\udfa3"}`, `{"url": "a/b", "fish": "🎣"}`, signature.ChangedJSON, "as PHP writes them"},
		{"escapes of Go removed", "zoom", `{"a":"\u003cb\u003e"}`, `{"a":"<b>"}`, signature.ChangedJSON, "as Go and Ruby write them"},
		{"white space around spaces", "alma", document, "\ufeff  " + spaced + "\n\n", signature.ChangedJSON, "the same JSON without spaces"},
		{"indented, with a line break", "alma", indented + "\n", `{"id":"1","list":[1,{}],"none":[]}`, signature.ChangedJSON, "indented by 2, with a line break at its end"},
		{"line break removed", "alma", document + "\n", document, signature.ChangedText, "with a line break at its end"},
		{"line break added", "standard-webhooks", document, document + "\n", signature.ChangedText, "without the white space around it"},
		{"line breaks of Windows", "alma", "<a>\n<b/></a>\n", "<a>\r\n<b/></a>\r\n", signature.ChangedText, "with the line breaks of Unix"},
		{"line breaks of Unix", "alma", "<a>\r\n<b/></a>\r\n", "<a>\n<b/></a>\n", signature.ChangedText, "with the line breaks of Windows"},
		{"byte order mark removed", "alma", "\ufeff<a/>", "<a/>", signature.ChangedText, "with a byte order mark"},
		{"byte order mark added", "alma", "<a/>", "\ufeff<a/>", signature.ChangedText, "without the byte order mark"},
		{"Latin-1 made UTF-8", "alma", "<a>Stra\xdfe</a>", "<a>Straße</a>", signature.ChangedEncoding, "in ISO 8859-1"},
		{"UTF-8 read as Latin-1", "alma", "<a>Straße</a>", "<a>Stra\u00c3\u009fe</a>", signature.ChangedEncoding, "in ISO 8859-1"},
		{"UTF-8 made Latin-1", "alma", "<a>Straße</a>", "<a>Stra\xdfe</a>", signature.ChangedEncoding, "in UTF-8, read as ISO 8859-1"},
		{"Windows-1252 made UTF-8", "alma", "<a>5 \x80</a>", "<a>5 €</a>", signature.ChangedEncoding, "in Windows-1252"},
		{"base64 left", "github", document, base64.StdEncoding.EncodeToString([]byte(document)), signature.Base64Left, "decoded from base64"},
		{"base64 left in quotes", "github", document, `"` + base64.StdEncoding.EncodeToString([]byte(document)) + `"`, signature.Base64Left, "decoded from base64"},
		{"base64url left", "github", "??>>", base64.RawURLEncoding.EncodeToString([]byte("??>>")), signature.Base64Left, "base64url"},
		{"a gateway's document", "github", document, `{"version":"2.0","isBase64Encoded":true,"body":"` + base64.StdEncoding.EncodeToString([]byte(document)) + `"}`, signature.Wrapped, "field body"},
		{"a JSON string", "github", `{"a":1}`, `"{\"a\":1}"`, signature.Wrapped, "as a JSON string"},
		{"form: spaces as %20", "slack", "a=b+c&d=%3c%2a", "a=b%20c&d=%3C*", signature.ChangedForm, "in lower case"},
		{"form: in upper case", "slack", "a=b%20c&d=%3C~", "a=b+c&d=%3c%7e", signature.ChangedForm, "RFC 3986"},
		{"form: sorted", "slack", "a=1&b=2+3", "b=2+3&a=1", signature.ChangedForm, "sorted by name"},
		{"form: escaped", "slack", "payload={\"a\":1}", "payload=%7B%22a%22%3A1%7D", signature.ChangedForm, "nothing escaped"},
		{"compressed", "github", document, zipped.String(), signature.Compressed, "decompressed"},
		{"another value", "alma", document, strings.Replace(document, "1.50", "1.5", 1), signature.Unexplained, ""},
		{"cut", "alma", document, document[:50], signature.Unexplained, ""},
	} {
		r := altered(t, c.preset, c.body, c.came)
		v := rotated(t, preset(t, c.preset))
		d := v.Diagnose(r, now, true)
		if d.Cause != c.want || !strings.Contains(d.Form, c.form) || (d.Secret == "2026") != (c.want != signature.Unexplained) {
			t.Errorf("%s: %s, form %q, secret %q; want %s, form %q\n%v", c.name, d.Cause, d.Form, d.Secret, c.want, c.form, d.Checks)
		}
		if _, err := v.Verify(r, now); err == nil {
			t.Errorf("%s: the changed body is accepted", c.name)
		}
	}
}

func TestDiagnosesOfSecretsAndTimes(t *testing.T) {
	t.Parallel()
	old := signed(t, "stripe", oldSecret, document, now)
	milliseconds := preset(t, "stripe")
	milliseconds.Timestamp.Unit = signature.Milliseconds
	inMilliseconds := request(document)
	if err := verifier(t, milliseconds, secret).Sign(&inMilliseconds, "", now); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, preset string
		request      signature.Request
		confirmed    bool
		want         signature.Cause
		secret       string
		off          time.Duration
	}{
		{"right", "alma", signed(t, "alma", secret, document, now), true, signature.Fits, "", 0},
		{"old secret", "alma", signed(t, "alma", oldSecret, document, now), true, signature.OldSecret, "2025", 0},
		{"old secret with a time", "stripe", old, true, signature.OldSecret, "2025", 0},
		{"old token", "gitlab", signed(t, "gitlab", oldSecret, document, now), true, signature.OldSecret, "2025", 0},
		{"old and stale", "stripe", signed(t, "stripe", oldSecret, document, now.Add(-time.Hour)), true, signature.OldSecret, "2025", -time.Hour},
		{"sender ahead", "stripe", signed(t, "stripe", secret, document, now.Add(time.Hour)), true, signature.SenderClock, "2026", time.Hour},
		{"sender behind", "slack", signed(t, "slack", secret, document, now.Add(-432*time.Second)), true, signature.SenderClock, "2026", -432 * time.Second},
		{"nobody confirms", "slack", signed(t, "slack", secret, document, now.Add(-432*time.Second)), false, signature.OurClock, "2026", -432 * time.Second},
		{"milliseconds", "stripe", inMilliseconds, true, signature.TimeUnit, "2026", -1},
		{"unknown secret", "stripe", signed(t, "stripe", "whsec_AAAA", document, now), true, signature.Unexplained, "", 0},
		{"unknown token", "token", request(document, "Authorization", "Bearer x"), true, signature.Unexplained, "", 0},
	} {
		d := rotated(t, preset(t, c.preset)).Diagnose(c.request, now, c.confirmed)
		if d.Cause != c.want || d.Secret != c.secret || c.off >= 0 && d.Off != c.off || (d.Cause == signature.OldSecret) == d.Ended.IsZero() {
			t.Errorf("%s: %s, secret %q, ended %v, off %v; want %s, %q, %v\n%v", c.name, d.Cause, d.Secret, d.Ended, d.Off, c.want, c.secret, c.off, d.Checks)
		}
	}
	if d := verifier(t, preset(t, "alma")).Diagnose(signed(t, "alma", secret, "", now), now, true); d.Cause != signature.NoSecretAtAll {
		t.Errorf("without a secret: %s", d.Cause)
	}
}

func TestDiagnosesOfSchemes(t *testing.T) {
	t.Parallel()
	const raw = "0123456789abcdef0123456789abcdef" // in secret, as base64
	b64, hexed := b64MAC(secret, document), hexMAC(secret, document)
	long := hex.EncodeToString(mac(sha512.New, secret, document))
	for _, c := range []struct {
		name, preset string
		request      signature.Request
		want         signature.Cause
		form         string // or preset
	}{
		{"hex instead of base64", "alma", request(document, "X-Exl-Signature", hexed), signature.SignatureForm, "signature.encoding: hex"},
		{"base64url", "alma", request(document, "X-Exl-Signature", strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(b64)), signature.SignatureForm, "signature.encoding: base64url"},
		{"a prefix", "alma", request(document, "X-Exl-Signature", "sha256="+b64), signature.SignatureForm, `signature.prefix: "sha256="`},
		{"no prefix", "github", request(document, "X-Hub-Signature-256", hexed), signature.SignatureForm, `signature.prefix: ""`},
		{"SHA-512", "dropbox", request(document, "X-Dropbox-Signature", long), signature.SignatureForm, "algorithm: sha512"},
		{"secret with a line break", "alma", request(document, "X-Exl-Signature", b64MAC(secret+"\n", document)), signature.SecretForm, "line break"},
		{"secret with a space", "alma", request(document, "X-Exl-Signature", b64MAC(secret+" ", document)), signature.SecretForm, "space at its end"},
		{"secret in quotes", "alma", request(document, "X-Exl-Signature", b64MAC(`"`+secret+`"`, document)), signature.SecretForm, "in quotes"},
		{"secret decoded", "alma", request(document, "X-Exl-Signature", b64MAC(raw, document)), signature.SecretForm, `key_encoding: base64, key_prefix: "whsec_"`},
		{"secret not decoded", "standard-webhooks", request(document, "Webhook-Id", "m", "Webhook-Timestamp", "1700000000",
			"Webhook-Signature", "v1,"+b64MAC(secret, "m.1700000000."+document)), signature.SecretForm, "key_encoding: raw"},
		{"another preset", "alma", signed(t, "shopify", secret, document, now), signature.OtherPreset, "shopify"},
		{"another preset with a time", "github", signed(t, "stripe", secret, document, now.Add(-time.Hour)), signature.OtherPreset, "stripe"},
		{"a token instead", "github", signed(t, "gitlab", secret, document, now), signature.OtherPreset, "gitlab"},
		{"a signature instead", "token", signed(t, "github", secret, document, now), signature.OtherPreset, "github"},
		{"another token", "basic", signed(t, "token", secret, document, now), signature.OtherPreset, "token"},
		{"SHA-1 of GitHub beside", "bitbucket", request(document, "X-Hub-Signature", "sha1=00", "X-Hub-Signature-256", "sha256="+hexed), signature.OtherPreset, "github"},
		{"a stranger's header", "alma", request(document, "X-Hub-Signature-256", "sha256=00"), signature.OtherSender, "github"},
		{"nothing", "alma", request(document), signature.NoSignature, "no header X-Exl-Signature"},
		{"no time", "slack", request(document, "X-Slack-Signature", "v0="+hexed), signature.NoSignature, "no header X-Slack-Request-Timestamp"},
		{"no token", "gitlab", request(document), signature.NoSignature, "no header X-Gitlab-Token"},
		{"WooCommerce", "alma", request("webhook_id=12"), signature.FirstRequest, "WooCommerce"},
		{"Notion", "alma", request(`{"verification_token":"secret_x"}`), signature.FirstRequest, "Notion"},
		{"Amazon SNS", "alma", request(`{}`, "X-Amz-Sns-Message-Type", "SubscriptionConfirmation"), signature.FirstRequest, "Amazon SNS"},
		{"token with a scheme", "gitlab", request("", "X-Gitlab-Token", "Bearer "+secret), signature.SignatureForm, "after the word Bearer"},
		{"token in quotes", "gitlab", request("", "X-Gitlab-Token", `"`+secret+`"`), signature.SignatureForm, "in quotes"},
		{"token in base64", "token", request("", "Authorization", "Bearer "+base64.StdEncoding.EncodeToString([]byte(secret))), signature.SignatureForm, "in base64"},
		{"token percent-encoded", "token", request("", "Authorization", "Bearer "+url.QueryEscape(secret)), signature.SignatureForm, "percent-encoded"},
		{"not base64 at all", "basic", request("", "Authorization", "Basic %"), signature.Unexplained, ""},
	} {
		d := rotated(t, preset(t, c.preset)).Diagnose(c.request, now, true)
		if got := d.Preset + d.Form; d.Cause != c.want || !strings.Contains(got, c.form) {
			t.Errorf("%s: %s, %q; want %s, %q\n%v", c.name, d.Cause, got, c.want, c.form, d.Checks)
		}
	}
}

func TestDiagnosesOfAddresses(t *testing.T) {
	t.Parallel()
	square := signature.Scheme{Kind: signature.HMAC, Template: "{url}{body}", Signature: signature.Signature{In: "header:X-Square", Encoding: signature.Base64}}
	v := rotated(t, square)
	for address, form := range map[string]string{
		"http://example.org/webhooks/x?a=1":            "http",
		"https://example.org/webhooks/x":               "without the query",
		"https://example.org:8080/webhooks/x?a=1":      "port 8080",
		"https://hooks.example.org/webhooks/x?a=1":     "the host of header X-Forwarded-Host",
		"http://hooks.example.org:80/webhooks/x/?a=1":  "the host of header X-Forwarded-Host, http, port 80, a slash at its end",
		"/webhooks/x?a=1":                              "only the path",
		"https://elsewhere.example.org/webhooks/x?a=1": "",
	} {
		r := request("{}", "X-Forwarded-Host", "hooks.example.org", "X-Square", b64MAC(secret, address+"{}"))
		r.URL = "https://example.org/webhooks/x?a=1"
		d := v.Diagnose(r, now, true)
		if want := signature.OtherAddress; (d.Cause == want) != (form != "") || d.Form != form {
			t.Errorf("%s: %s, form %q", address, d.Cause, d.Form)
		}
	}
}

// Every cause has its own texts, which name neither a secret nor a signature.
func TestTheTextsOfDiagnoses(t *testing.T) {
	t.Parallel()
	seen := map[string]signature.Cause{}
	for _, cause := range signature.Causes() {
		d := signature.Diagnosis{Cause: cause, Secret: "2025", Preset: "github", Form: "Notion"}
		summary, advice := d.Summary(), d.Advice()
		if summary == "" || strings.HasSuffix(summary, ".") || !strings.HasSuffix(advice, ".") {
			t.Errorf("%s: %q, %q", cause, summary, advice)
		}
		if other, ok := seen[summary]; ok && !strings.HasPrefix(summary, "The body was changed") {
			t.Errorf("%s and %s have the same text: %q", cause, other, summary)
		}
		seen[summary] = cause
	}
}

// FuzzDiagnose plays strangers who know every rule but not the secret: nothing fits, no text has anything of theirs, and the work ends.
func FuzzDiagnose(f *testing.F) {
	f.Add("sha256=00", "1700000000", []byte(document))
	f.Add("t=1700000000,v1=00,v1=,=,,", "t", []byte(`{"a":[[[[{"b":"\u00e4\/"}]]]],"body":"e30="}`))
	f.Add("Basic Og==", "9223372036854775807", []byte("a=b&c=%zz&d"))
	f.Add(b64MAC("", "{}"), "-1", []byte("\x1f\x8b\x08\x00"))
	f.Add("", "", []byte("webhook_id=1"))
	f.Add("e30=", "0", []byte(strings.Repeat(`{"a":`, 100)+"1"+strings.Repeat("}", 100)))
	var verifiers []*signature.Verifier
	for _, name := range signature.Presets() {
		verifiers = append(verifiers, rotated(f, preset(f, name)))
	}
	verifiers = append(verifiers, rotated(f, signature.Scheme{Kind: signature.HMAC, Template: "{url}{body}", Signature: signature.Signature{In: "header:X-Exl-Signature"}}))
	guesses := []signature.Cause{signature.OtherSender, signature.FirstRequest, signature.NoSignature, signature.Unexplained}
	f.Fuzz(func(t *testing.T, shown, timestamp string, body []byte) {
		h := http.Header{}
		for _, name := range []string{"X-Exl-Signature", "X-Hub-Signature-256", "Stripe-Signature", "X-Slack-Signature", "Webhook-Signature", "X-Gitlab-Token", "Authorization"} {
			if shown != "" {
				h.Set(name, shown)
			}
		}
		for _, name := range []string{"X-Slack-Request-Timestamp", "Webhook-Timestamp", "X-Forwarded-Host"} {
			h.Set(name, timestamp)
		}
		r := signature.Request{Method: http.MethodPost, URL: "https://example.org/" + timestamp, Header: h, Query: url.Values{}, Body: body}
		for _, v := range verifiers {
			d := v.Diagnose(r, now, true)
			if !slices.Contains(guesses, d.Cause) || d.Secret != "" || d.Summary() == "" || d.Advice() == "" {
				t.Fatalf("%+v", d)
			}
			for _, c := range d.Checks {
				if long := 16; len(shown) > long && strings.Contains(c.Text, shown) || len(body) > long && strings.Contains(c.Text, string(body)) {
					t.Fatalf("%q has a text of the request", c.Text)
				}
			}
		}
	})
}

// BenchmarkDiagnose is the largest body that a quarantine keeps, made to cost the most.
func BenchmarkDiagnose(b *testing.B) {
	v := rotated(b, preset(b, "alma"))
	for name, item := range map[string]string{"small": document, "escapes": `"\u0041"`, "deep": strings.Repeat(`{"b":1,"a":`, 20) + "1" + strings.Repeat("}", 20), "numbers": "1"} {
		for _, size := range []int{1 << 10, 64 << 10, 1 << 20} {
			body := "[" + strings.TrimSuffix(strings.Repeat(item+",", size/(len(item)+1)), ",") + "]"
			r := altered(b, "alma", "other", body)
			b.Run(name+"/"+sizeName(size), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					v.Diagnose(r, now, true)
				}
			})
		}
	}
}

func sizeName(size int) string {
	return map[int]string{1 << 10: "1KiB", 64 << 10: "64KiB", 1 << 20: "1MiB"}[size]
}
