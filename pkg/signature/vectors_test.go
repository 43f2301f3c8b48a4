package signature_test

import (
	"crypto/sha1"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/hookline/hookline/pkg/signature"
)

// The vector that GitHub documents under "Validating webhook deliveries".
func TestGitHubsOwnVector(t *testing.T) {
	t.Parallel()
	v := verifier(t, preset(t, "github"), "It's a Secret to Everybody")
	r := request("Hello, World!", "X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")
	if _, err := v.Verify(r, now); err != nil {
		t.Error(err)
	}
}

// The vector that Slack documents under "Verifying requests from Slack".
func TestSlacksOwnVector(t *testing.T) {
	t.Parallel()
	const body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	v := verifier(t, preset(t, "slack"), "8f742231b10e8888abcd99yyyzzz85a5")
	r := request(body, "X-Slack-Request-Timestamp", "1531420618", "X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")
	if _, err := v.Verify(r, time.Unix(1531420618, 0)); err != nil {
		t.Error(err)
	}
}

// Each sender's rule, computed here with crypto/hmac alone.
func TestPresetsFollowTheSendersRules(t *testing.T) {
	t.Parallel()
	const ts = "1700000000"
	for what, body := range bodies {
		for name, header := range map[string][]string{
			"alma":      {"X-Exl-Signature", b64MAC(secret, body)},
			"github":    {"X-Hub-Signature-256", "sha256=" + hexMAC(secret, body)},
			"stripe":    {"Stripe-Signature", "t=" + ts + ",v1=" + hexMAC(secret, ts+"."+body) + ",v0=" + hexMAC("other", body)},
			"slack":     {"X-Slack-Request-Timestamp", ts, "X-Slack-Signature", "v0=" + hexMAC(secret, "v0:"+ts+":"+body)},
			"shopify":   {"X-Shopify-Hmac-SHA256", b64MAC(secret, body)},
			"gitlab":    {"X-Gitlab-Token", secret},
			"bitbucket": {"X-Hub-Signature", "sha256=" + hexMAC(secret, body)},
			"meta":      {"X-Hub-Signature-256", "sha256=" + hexMAC(secret, body)},
			"dropbox":   {"X-Dropbox-Signature", hexMAC(secret, body)},
			"zoom":      {"x-zm-request-timestamp", ts, "x-zm-signature", "v0=" + hexMAC(secret, "v0:"+ts+":"+body)},
			"token":     {"Authorization", "Bearer " + secret},
			"basic":     {"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(secret))},
			"standard-webhooks": {"webhook-id", "msg_1", "webhook-timestamp", ts,
				"webhook-signature", "v1a,AAAA v1," + b64MAC("0123456789abcdef0123456789abcdef", "msg_1."+ts+"."+body)},
		} {
			if _, err := verifier(t, preset(t, name), secret).Verify(request(body, header...), now); err != nil {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
}

func TestStandardWebhooksAgreesWithItsReferenceLibraryBothWays(t *testing.T) {
	t.Parallel()
	ours := verifier(t, preset(t, "standard-webhooks"), secret)
	theirs, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now() // their library asks the clock itself
	for what, body := range bodies {
		r := request(body)
		if err := ours.Sign(&r, "msg_2", at); err != nil {
			t.Fatal(err)
		}
		if err := theirs.Verify(r.Body, r.Header); err != nil {
			t.Errorf("%s: theirs refuses ours: %v", what, err)
		}
		signed, err := theirs.Sign("msg_2", at, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		r = request(body, "webhook-id", "msg_2", "webhook-timestamp", fmt.Sprint(at.Unix()), "webhook-signature", signed)
		if _, err := ours.Verify(r, at); err != nil {
			t.Errorf("%s: ours refuses theirs: %v", what, err)
		}
	}
}

// Senders without a preset: what the configurable fields are for.
func TestSchemesOfOtherSenders(t *testing.T) {
	t.Parallel()
	hexKey := hex.EncodeToString([]byte(secret))
	mailgun := `{"signature":{"timestamp":"1700000000","token":"tok","signature":"` + hexMAC(secret, "1700000000tok") + `"},"event-data":{}}`
	for name, c := range map[string]struct {
		scheme  signature.Scheme
		secret  string
		request signature.Request
	}{
		"Mailgun, all in the body": {signature.Scheme{Template: "{timestamp}{json:signature.token}",
			Signature: signature.Signature{In: "json:signature.signature"}, Timestamp: signature.Timestamp{In: "json:signature.timestamp"}},
			secret, request(mailgun)},
		"Zendesk, time of RFC 3339": {signature.Scheme{Template: "{timestamp}{body}",
			Signature: signature.Signature{In: "header:X-Sig", Encoding: "base64"}, Timestamp: signature.Timestamp{In: "header:X-Time", Unit: "rfc3339"}},
			secret, request("{}", "X-Time", "2023-11-14T22:13:20Z", "X-Sig", b64MAC(secret, "2023-11-14T22:13:20Z{}"))},
		"HubSpot, milliseconds, method and URL": {signature.Scheme{Template: "{method}{url}{body}{timestamp}",
			Signature: signature.Signature{In: "header:X-Sig", Encoding: "base64"}, Timestamp: signature.Timestamp{In: "header:X-Time", Unit: "ms"}},
			secret, request("{}", "X-Time", "1700000000123", "X-Sig", b64MAC(secret, "POSThttps://example.org/webhooks/x{}1700000000123"))},
		"SHA-1": {signature.Scheme{Template: "{body}", Algorithm: "sha1", Signature: signature.Signature{In: "header:X-Sig", Prefix: "sha1="}},
			secret, request("{}", "X-Sig", "sha1="+hex.EncodeToString(mac(sha1.New, secret, "{}")))},
		"SHA-512, base64url with padding": {signature.Scheme{Template: "{body}", Algorithm: "sha512", Signature: signature.Signature{In: "header:X-Sig", Encoding: "base64url"}},
			secret, request("{}", "X-Sig", base64.URLEncoding.EncodeToString(mac(sha512.New, secret, "{}")))},
		"base64url without padding": {signature.Scheme{Template: "{body}", Algorithm: "sha512", Signature: signature.Signature{In: "header:X-Sig", Encoding: "base64url"}},
			secret, request("{}", "X-Sig", base64.RawURLEncoding.EncodeToString(mac(sha512.New, secret, "{}")))},
		"key in hex": {signature.Scheme{Template: "{body}", KeyEncoding: "hex", Signature: signature.Signature{In: "header:X-Sig"}},
			hexKey, request("{}", "X-Sig", hexMAC(secret, "{}"))},
		"a header, a query value and a JSON value under the signature": {signature.Scheme{Template: "{header:x-a}|{query:b}|{json:c}|{body}", Signature: signature.Signature{In: "header:X-Sig"}},
			secret, with(request(`{"c":12345678901234567890}`, "X-A", " a ", "X-Sig", hexMAC(secret, `a|b|12345678901234567890|{"c":12345678901234567890}`)), "b", "b")},
		"signature in the query": {signature.Scheme{Template: "{body}", Signature: signature.Signature{In: "query:sig"}},
			secret, with(request("{}"), "sig", hexMAC(secret, "{}"))},
	} {
		c.scheme.Kind = signature.HMAC
		if _, err := verifier(t, c.scheme, c.secret).Verify(c.request, now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := verifier(t, c.scheme, hex.EncodeToString([]byte("wrong"))).Verify(c.request, now); reason(err) != signature.Mismatch {
			t.Errorf("%s with another secret: %v", name, err)
		}
	}
}

func with(r signature.Request, name string, values ...string) signature.Request {
	r.Query[name] = values
	return r
}

func prove(t *testing.T, signer, v *signature.Verifier) signature.Proof {
	t.Helper()
	r := request("{}")
	if err := signer.Sign(&r, "msg_1", now); err != nil {
		t.Fatal(err)
	}
	proof, err := v.Verify(r, now)
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

func TestHMACHexOfZoomUsesTheSecretThatFits(t *testing.T) {
	t.Parallel()
	const other = "another-secret-of-the-sender"
	both := verifier(t, preset(t, "zoom"), other, secret)
	for _, value := range []string{other, secret} {
		got, err := prove(t, verifier(t, preset(t, "zoom"), value), both).HMACHex([]byte("qgg8vlvZRS6UYooatFL8Aw"))
		if want := hexMAC(value, "qgg8vlvZRS6UYooatFL8Aw"); err != nil || got != want {
			t.Errorf("%s, %v", got, err)
		}
	}
	token := verifier(t, preset(t, "token"), secret)
	if _, err := prove(t, token, token).HMACHex(nil); err == nil {
		t.Error("a token scheme has no key")
	}
}

func TestAProofTellsTheSignedTimeAndTheSignature(t *testing.T) {
	t.Parallel()
	for name, timed := range map[string]bool{"github": false, "stripe": true, "token": false} {
		v := verifier(t, preset(t, name), secret)
		proof := prove(t, v, v)
		if proof.Timed != timed || (proof.Sum == [16]byte{}) != (name == "token") || proof.Sum != prove(t, v, v).Sum {
			t.Errorf("%s: %v", name, proof)
		}
	}
}

func TestSignsNamesTheSignedParts(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]bool{"github": {true, false}, "standard-webhooks": {true, true}, "token": {false, false}} {
		v := verifier(t, preset(t, name), secret)
		if got := [2]bool{v.SignsBody(), v.SignsHeader("Webhook-Id")}; got != want {
			t.Errorf("%s signs %v", name, got)
		}
	}
	v := verifier(t, signature.Scheme{Kind: signature.HMAC, Template: "{header:X-Event}{json:a}", Signature: signature.Signature{In: "header:X-Sig"}}, secret)
	if v.SignsBody() || !v.SignsHeader("X-Event") || v.SignsHeader("X-Other") {
		t.Error("a value of the body is not the body, or the header is not signed")
	}
}

func TestSignWritesAQueryAndRefusesABody(t *testing.T) {
	t.Parallel()
	v := verifier(t, signature.Scheme{Kind: signature.Token, Token: "query:token"}, secret)
	r := signature.Request{Method: http.MethodPost}
	if err := v.Sign(&r, "", now); err != nil || r.Query.Get("token") != secret {
		t.Errorf("%v, %v", r.Query, err)
	}
	if _, err := v.Verify(r, now); err != nil {
		t.Error(err)
	}
	v = verifier(t, signature.Scheme{Kind: signature.Token, Token: "json:token"}, secret)
	if err := v.Sign(&r, "", now); err == nil {
		t.Error("signed into a body")
	}
	r.Body = []byte(`{"token":"` + secret + `"}`)
	if _, err := v.Verify(r, now); err != nil {
		t.Error(err)
	}
	v = verifier(t, preset(t, "standard-webhooks"), secret)
	for _, id := range []string{"", "a.b"} {
		if err := v.Sign(&r, id, now); err == nil {
			t.Errorf("signed with the ID %q", id)
		}
	}
}
