package signature_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/signature"
)

// stamped is a signed request of Stripe with a time and whatever else stands in the list.
func stamped(ts, more string) signature.Request {
	return request("{}", "Stripe-Signature", "t="+ts+",v1="+hexMAC(secret, ts+".{}")+more)
}

// standard is a signed request of Standard Webhooks, with body "{}".
func standard(id, ts string) signature.Request {
	return request("{}", "webhook-id", id, "webhook-timestamp", ts, "webhook-signature", "v1,"+b64MAC("0123456789abcdef0123456789abcdef", id+"."+ts+".{}"))
}

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	const ts = "1700000000"
	b64, hexed := b64MAC(secret, "{}"), hexMAC(secret, "{}")
	for _, c := range []struct {
		name, preset string
		request      signature.Request
		want         string // "" is accepted
	}{
		{"alma: right", "alma", request("{}", "X-Exl-Signature", b64), ""},
		{"alma: white space around", "alma", request("{}", "X-Exl-Signature", " \t"+b64+"\n"), ""},
		{"alma: lower-case header", "alma", request("{}", "x-exl-signature", b64), ""},
		{"alma: no header", "alma", request("{}"), signature.Missing},
		{"alma: no headers at all", "alma", signature.Request{Body: []byte("{}")}, signature.Missing},
		{"alma: empty header", "alma", request("{}", "X-Exl-Signature", "  "), signature.Missing},
		{"alma: doubled", "alma", request("{}", "X-Exl-Signature", b64, "X-Exl-Signature", b64), signature.Malformed},
		{"alma: doubled in one header", "alma", request("{}", "X-Exl-Signature", b64+","+b64), signature.Malformed},
		{"alma: right beside empty", "alma", request("{}", "X-Exl-Signature", b64, "X-Exl-Signature", ""), signature.Malformed},
		{"alma: truncated", "alma", request("{}", "X-Exl-Signature", b64[:len(b64)-4]), signature.Malformed},
		{"alma: padding cut off", "alma", request("{}", "X-Exl-Signature", strings.TrimRight(b64, "=")), signature.Malformed},
		{"alma: hex", "alma", request("{}", "X-Exl-Signature", hexed), signature.Malformed},
		{"alma: loose last bits", "alma", request("{}", "X-Exl-Signature", b64[:len(b64)-2]+"B="), signature.Malformed},
		{"alma: line break inside", "alma", request("{}", "X-Exl-Signature", b64[:10]+"\n"+b64[10:len(b64)-1]), signature.Malformed},
		{"alma: base64url alphabet", "alma", request("{}", "X-Exl-Signature", strings.Repeat("_", 43)+"="), signature.Malformed},
		{"alma: all zero", "alma", request("{}", "X-Exl-Signature", strings.Repeat("A", 43)+"="), signature.Mismatch},
		{"alma: another secret", "alma", request("{}", "X-Exl-Signature", b64MAC("other", "{}")), signature.Mismatch},
		{"alma: empty key", "alma", request("{}", "X-Exl-Signature", b64MAC("", "{}")), signature.Mismatch},
		{"github: upper-case hex", "github", request("{}", "X-Hub-Signature-256", "sha256="+strings.ToUpper(hexed)), ""},
		{"github: no prefix", "github", request("{}", "X-Hub-Signature-256", hexed), signature.Malformed},
		{"github: SHA-1 prefix", "github", request("{}", "X-Hub-Signature-256", "sha1="+hexed), signature.Malformed},
		{"github: prefix alone", "github", request("{}", "X-Hub-Signature-256", "sha256="), signature.Malformed},
		{"github: odd hex", "github", request("{}", "X-Hub-Signature-256", "sha256="+hexed[1:]), signature.Malformed},
		{"github: the older header", "github", request("{}", "X-Hub-Signature", "sha256="+hexed), signature.Missing},
		{"stripe: right", "stripe", stamped(ts, ""), ""},
		{"stripe: second v1 fits", "stripe", request("{}", "Stripe-Signature", "t="+ts+",v1="+hexed+", v1="+hexMAC(secret, ts+".{}")), ""},
		{"stripe: one v1 is rubbish", "stripe", stamped(ts, ",v1=zz"), ""},
		{"stripe: v0 only", "stripe", request("{}", "Stripe-Signature", "t="+ts+",v0="+hexMAC(secret, ts+".{}")), signature.Malformed},
		{"stripe: no time", "stripe", request("{}", "Stripe-Signature", "v1="+hexMAC(secret, ts+".{}")), signature.Missing},
		{"stripe: two times", "stripe", stamped(ts, ",t="+ts), signature.Malformed},
		{"stripe: time is a word", "stripe", stamped("now", ""), signature.Malformed},
		{"stripe: time has a sign", "stripe", stamped("+"+ts, ""), signature.Malformed},
		{"stripe: time is negative", "stripe", stamped("-1", ""), signature.Malformed},
		{"stripe: time is huge", "stripe", stamped("99999999999999999999", ""), signature.Malformed},
		{"stripe: time is the largest", "stripe", stamped("9223372036854775807", ""), signature.Stale},
		{"stripe: 300 s old", "stripe", stamped("1699999700", ""), ""},
		{"stripe: 301 s old", "stripe", stamped("1699999699", ""), signature.Stale},
		{"stripe: 300 s ahead", "stripe", stamped("1700000300", ""), ""},
		{"stripe: 301 s ahead", "stripe", stamped("1700000301", ""), signature.Stale},
		{"stripe: old and wrong", "stripe", request("{}", "Stripe-Signature", "t=1,v1="+hexed), signature.Mismatch},
		{"stripe: new time on an old signature", "stripe", request("{}", "Stripe-Signature", "t="+ts+",v1="+hexMAC(secret, "1.{}")), signature.Mismatch},
		{"stripe: too many", "stripe", stamped(ts, strings.Repeat(",v1=00", 100)), signature.Malformed},
		{"slack: no time", "slack", request("{}", "X-Slack-Signature", "v0="+hexMAC(secret, "v0:"+ts+":{}")), signature.Missing},
		{"slack: doubled time", "slack", request("{}", "X-Slack-Request-Timestamp", ts, "X-Slack-Request-Timestamp", "1",
			"X-Slack-Signature", "v0="+hexMAC(secret, "v0:"+ts+":{}")), signature.Malformed},
		{"standard: right", "standard-webhooks", standard("msg_1", ts), ""},
		{"standard: no ID", "standard-webhooks", standard("", ts), signature.Missing},
		{"standard: a dot in the ID", "standard-webhooks", standard("msg.1", ts), signature.Malformed},
		{"standard: stale", "standard-webhooks", standard("msg_1", "1"), signature.Stale},
		{"standard: asymmetric signature only", "standard-webhooks", request("{}", "webhook-id", "m", "webhook-timestamp", ts, "webhook-signature", "v1a,AAAA"), signature.Malformed},
		{"gitlab: right", "gitlab", request("{}", "X-Gitlab-Token", secret), ""},
		{"gitlab: none", "gitlab", request("{}"), signature.Missing},
		{"gitlab: a prefix of it", "gitlab", request("{}", "X-Gitlab-Token", secret[:10]), signature.Mismatch},
		{"gitlab: doubled", "gitlab", request("{}", "X-Gitlab-Token", "x", "X-Gitlab-Token", secret), signature.Malformed},
		{"token: lower-case scheme", "token", request("{}", "Authorization", "bearer  "+secret), ""},
		{"token: bare", "token", request("{}", "Authorization", secret), signature.Malformed},
		{"token: scheme alone", "token", request("{}", "Authorization", "Bearer"), signature.Mismatch},
		{"basic: other scheme", "basic", request("{}", "Authorization", "Bearer "+secret), signature.Malformed},
		{"basic: not base64", "basic", request("{}", "Authorization", "Basic ?"), signature.Malformed},
		{"basic: wrong", "basic", request("{}", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("a:b"))), signature.Mismatch},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			proof, err := verifier(t, preset(t, c.preset), secret).Verify(c.request, now)
			if reason(err) != c.want || (err == nil) != (c.want == "") || (proof == signature.Proof{}) != (err != nil) {
				t.Errorf("proof %v, error %v; want %q", proof, err, c.want)
			}
		})
	}
}

func TestAPasswordMayHoldColons(t *testing.T) {
	t.Parallel()
	v := verifier(t, preset(t, "basic"), "user:pass:word")
	r := request("{}", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("user:pass:word")))
	if _, err := v.Verify(r, now); err != nil {
		t.Error(err)
	}
}

func TestAValueInTheBodyHasToBeTextOrANumber(t *testing.T) {
	t.Parallel()
	v := verifier(t, signature.Scheme{Kind: signature.Token, Token: "json:auth.token"}, secret)
	for body, want := range map[string]string{
		`{"auth":{"token":"x"}}`:      signature.Mismatch,
		`{"auth":{"token":5}}`:        signature.Mismatch,
		`{"auth":{"token":{"a":1}}}`:  signature.Malformed,
		`{"auth":{"token":["x"]}}`:    signature.Malformed,
		`{"auth":{"token":true}}`:     signature.Malformed,
		`{"auth":{"token":null}}`:     signature.Missing,
		`{"auth":{"token":""}}`:       signature.Missing,
		`{"auth":{}}`:                 signature.Missing,
		`{"auth":{"token":"` + secret: signature.Malformed,
		``:                            signature.Malformed,
		`<auth/>`:                     signature.Malformed,
	} {
		if _, err := v.Verify(request(body), now); reason(err) != want {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

// A stranger's body of 64 MiB of "[" ended the whole process: its stack grew beyond Go's limit.
func TestABodyThatNestsTooDeeplyIsMalformed(t *testing.T) {
	t.Parallel()
	v := verifier(t, signature.Scheme{Kind: signature.Token, Token: "json:token"}, secret)
	for _, body := range []string{
		strings.Repeat("[", 64<<20),
		`{"token":"` + secret + `","x":` + strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001) + `}`,
	} {
		if _, err := v.Verify(request(body), now); reason(err) != signature.Malformed {
			t.Errorf("%.40s: %v", body, err)
		}
	}
}

func TestToleranceIsConfigurable(t *testing.T) {
	t.Parallel()
	s := preset(t, "stripe")
	s.Timestamp.Tolerance = time.Hour
	if _, err := verifier(t, s, secret).Verify(stamped("1700003600", ""), now); err != nil {
		t.Error(err)
	}
}

// TestTheToleranceHasAnEdge signs with times at the edge of the tolerance and one second beyond, in the past and in the future.
func TestTheToleranceHasAnEdge(t *testing.T) {
	t.Parallel()
	for _, unit := range []signature.Unit{signature.Seconds, signature.Milliseconds, signature.RFC3339} {
		s := preset(t, "stripe")
		s.Timestamp = signature.Timestamp{In: "header:X-Time", Unit: unit, Tolerance: time.Minute}
		v := verifier(t, s, secret)
		for age, fresh := range map[time.Duration]bool{
			0: true, time.Minute: true, -time.Minute: true, 61 * time.Second: false, -61 * time.Second: false,
		} {
			r := signature.Request{Method: http.MethodPost, Header: http.Header{}, Body: []byte("{}")}
			if err := v.Sign(&r, "1", now.Add(-age)); err != nil {
				t.Fatal(err)
			}
			_, err := v.Verify(r, now)
			if fresh != (err == nil) || !fresh && reason(err) != signature.Stale {
				t.Errorf("%s, signed %v ago: %v", unit, age, err)
			}
		}
	}
}
