package signature_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/hookline/hookline/pkg/signature"
)

// FuzzVerify plays strangers who know every rule but not the secret: nothing that they send may be accepted or panic.
func FuzzVerify(f *testing.F) {
	f.Add("sha256=00", "1700000000", "msg_1", []byte("{}"))
	f.Add("t=1700000000,v1=00,v1=,=,,", "t", "a.b", []byte(`{"signature":{"signature":"00"}}`))
	f.Add("v1,AAAA v1, v1", "-1", "", []byte{})
	f.Add("Basic Og==", "9223372036854775807", "\x00", []byte("\xff"))
	f.Add(b64MAC("", "{}"), "1700000000", "msg_1", []byte("{}"))
	var verifiers []*signature.Verifier
	for _, name := range signature.Presets() {
		verifiers = append(verifiers, verifier(f, preset(f, name), secret))
	}
	mailgun := signature.Scheme{Kind: signature.HMAC, Template: "{timestamp}{json:signature.token}{query:q}",
		Signature: signature.Signature{In: "json:signature.signature"}, Timestamp: signature.Timestamp{In: "json:signature.timestamp", Unit: signature.RFC3339}}
	verifiers = append(verifiers, verifier(f, mailgun, secret), verifier(f, signature.Scheme{Kind: signature.Token, Token: "json:a.token"}, secret))
	f.Fuzz(func(t *testing.T, shown, timestamp, id string, body []byte) {
		h := http.Header{}
		for _, name := range []string{"X-Exl-Signature", "X-Hub-Signature-256", "X-Hub-Signature", "Stripe-Signature", "X-Slack-Signature", "X-Shopify-Hmac-Sha256",
			"Webhook-Signature", "X-Gitlab-Token", "X-Dropbox-Signature", "X-Zm-Signature", "Authorization"} {
			h.Set(name, shown)
		}
		for _, name := range []string{"X-Slack-Request-Timestamp", "Webhook-Timestamp", "X-Zm-Request-Timestamp"} {
			h.Set(name, timestamp)
		}
		h.Set("Webhook-Id", id)
		r := signature.Request{Method: id, URL: shown, Header: h, Query: url.Values{"q": {id}}, Body: body}
		for _, v := range verifiers {
			if proof, err := v.Verify(r, now); err == nil || (proof != signature.Proof{}) || !slices.Contains(signature.Reasons(), reason(err)) {
				t.Fatalf("proof %v, error %v", proof, err)
			}
		}
	})
}

// BenchmarkVerifyAlma is an Alma event of the usual size: the reference point for the receiver's cost per request.
func BenchmarkVerifyAlma(b *testing.B) {
	v := verifier(b, preset(b, "alma"), secret)
	r := request(string(make([]byte, 1200)))
	if err := v.Sign(&r, "", now); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(1200)
	for b.Loop() {
		if _, err := v.Verify(r, now); err != nil {
			b.Fatal(err)
		}
	}
}
