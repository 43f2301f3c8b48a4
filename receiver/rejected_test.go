package receiver_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/pkg/privacy"
	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/receiver"
)

// fakeQuarantine is a receiver.Quarantine.
type fakeQuarantine struct {
	mu       sync.Mutex
	rejected []receiver.Rejected
}

func (q *fakeQuarantine) Rejected(r receiver.Rejected) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rejected = append(q.rejected, r)
}

// take returns the records since the last call.
func (q *fakeQuarantine) take() []receiver.Rejected {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.rejected
	q.rejected = nil
	return taken
}

// one takes the only record.
func (q *fakeQuarantine) one(t *testing.T) receiver.Rejected {
	t.Helper()
	taken := q.take()
	if len(taken) != 1 {
		t.Fatalf("%d records, not 1", len(taken))
	}
	return taken[0]
}

func TestTheQuarantineHasEachRejectedRequestAndWhy(t *testing.T) {
	t.Parallel()
	cfg, q := every(t), &fakeQuarantine{}
	cfg.Quarantine = q
	alma := preset(t, "alma")
	alma.Secrets = append(alma.Secrets, signature.Secret{Value: "an-old-secret-of-alma", Label: "old", NotAfter: time.Now().Add(-time.Hour)})
	if err := cfg.Sources.Add("alma", alma); err != nil {
		t.Fatal(err)
	}
	s := serve(t, cfg, &fakeBroker{})
	signed := func(header http.Header, secret, body string) http.Header {
		r := signature.Request{Method: http.MethodPost, Header: header, Body: []byte(body)}
		v, err := signature.New(alma.Verify, []signature.Secret{{Value: setting.Secret(secret)}})
		if err == nil {
			err = v.Sign(&r, "", time.Now())
		}
		if err != nil {
			t.Fatal(err)
		}
		return r.Header
	}
	for _, c := range []struct {
		name, reason string
		status       int
		send         func() reply
		want         signature.Cause
	}{
		{"nothing is signed", signature.Missing, 401, func() reply { return s.post(t, "/webhooks/alma", http.Header{}, "webhook_id=1") }, signature.FirstRequest},
		{"an old secret", signature.Mismatch, 401, func() reply {
			return s.post(t, "/webhooks/alma?x=1", signed(http.Header{"X-Other": {"1", "2"}}, "an-old-secret-of-alma", "{}"), "{}")
		}, signature.OldSecret},
		{"JSON written anew", signature.Mismatch, 401, func() reply {
			return s.post(t, "/webhooks/alma", signed(http.Header{}, secretOf("alma"), `{"a":1}`), `{"a": 1}`)
		}, signature.ChangedJSON},
		{"a refused handshake", "handshake", 400, func() reply { return s.get(t, "/webhooks/alma?challenge=") }, ""},
		{"a refused handshake with a body", "handshake", 400, func() reply { return s.send(t, "slack", nil, `{"type":"url_verification"}`) }, ""},
	} {
		if got := c.send(); got.code != c.status {
			t.Errorf("%s: answered %d", c.name, got.code)
		}
		r := q.one(t)
		if r.Reason != c.reason || r.Status != c.status || r.Diagnosis.Cause != c.want || r.Time.IsZero() || r.Client != "127.0.0.1" || r.Cut || r.Size != int64(len(r.Body)) {
			t.Errorf("%s: %+v", c.name, r)
		}
		if c.want == signature.OldSecret && (r.Query != "x=1" || r.Path != "/webhooks/alma" || r.Method != http.MethodPost || string(r.Body) != "{}" ||
			len(r.Header["X-Other"]) != 2 || r.Header.Get("Host") != s.addr || r.Diagnosis.Secret != "old") {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
	lines := s.logs.FilterField(zap.String("cause", `Signed with the old secret "old"`)).All()
	if len(lines) != 1 || lines[0].Message != "request refused" {
		t.Errorf("the log has the cause in %d lines", len(lines))
	}
	s.send(t, "alma", nil, `{"id":"1"}`)
	s.get(t, "/webhooks/alma?challenge=x")
	s.get(t, "/webhooks/token")
	s.get(t, "/elsewhere")
	if r := q.take(); len(r) != 0 {
		t.Errorf("accepted events and other paths are recorded: %+v", r)
	}
	s.post(t, "/webhooks/shop?token=x", http.Header{"X-Any": {"1"}}, "body")
	if r := q.one(t); r.Source != "" || r.Path != "/webhooks/shop" || r.Query != "" || r.Header != nil || r.Body != nil || r.Reason != "no_source" {
		t.Errorf("an unknown source: %+v", r)
	}
}

func TestTheQuarantineHidesCredentials(t *testing.T) {
	t.Parallel()
	cfg, q := every(t), &fakeQuarantine{}
	cfg.Quarantine = q
	for name, token := range map[string]string{"in-json": "json:client.state", "in-query": "query:k", "in-header": "header:X-Who"} {
		s := receiver.Source{Verify: signature.Scheme{Kind: signature.Token, Token: token}, Secrets: signature.Secrets{{Value: "open-sesame-for-tokens"}}}
		if err := cfg.Sources.Add(name, s); err != nil {
			t.Fatal(err)
		}
	}
	signedKey := preset(t, "alma")
	signedKey.Verify.Signature.In = "header:X-Access-Key"
	if err := cfg.Sources.Add("signed-key", signedKey); err != nil {
		t.Fatal(err)
	}
	s := serve(t, cfg, &fakeBroker{})
	header := http.Header{"Authorization": {"Bearer very-secret"}, "Cookie": {"a=very-secret"}, "X-Gitlab-Token": {"very-secret"}, "X-Api-Key": {"very-secret"},
		"Ocp-Apim-Subscription-Key": {"very-secret"}, "X-Who": {"very-secret"}, "X-Exl-Signature": {"a-signature"}, "X-Access-Key": {"very-secret"}, "X-Event-Key": {"repo:push"}}
	for _, path := range []string{"token?access_token=very-secret", "basic?%74oken=very-secret", "gitlab", "in-header", "in-query?k=very-secret&k=very-secret", "in-json", "alma",
		"meta?hub.verify_token=very-secret"} {
		h := header.Clone()
		if path != "in-header" {
			h.Del("X-Who") // no credential elsewhere, by its name
		}
		h.Del("X-Access-Key")
		h.Set("X-Aws-Access-Key", "very-secret")
		s.post(t, "/webhooks/"+path, h, map[bool]string{true: `{"client":{"state":"very-secret"}}`}[path == "in-json"])
		r := q.one(t)
		if text := strings.Join([]string{r.Path, r.Query, string(r.Body)}, " "); strings.Contains(text, "very-secret") {
			t.Errorf("%s: %q has a credential", path, text)
		}
		for name, values := range r.Header {
			if strings.Contains(strings.Join(values, " "), "very-secret") {
				t.Errorf("%s: header %s has a credential: %q", path, name, values)
			}
		}
		if r.Header.Get("X-Exl-Signature") != "a-signature" || r.Header.Get("X-Event-Key") != "repo:push" || r.Header.Get("Authorization") != "Bearer "+setting.Hidden {
			t.Errorf("%s: %q", path, r.Header)
		}
	}
	s.get(t, "/webhooks/meta?hub.mode=subscribe&hub.verify_token=very-secret&hub.challenge=1")
	if r := q.one(t); r.Query != "hub.mode=subscribe&hub.verify_token="+setting.Hidden+"&hub.challenge=1" {
		t.Errorf("query %q", r.Query)
	}
	s.post(t, "/webhooks/signed-key", header.Clone(), "{}")
	if r := q.one(t); r.Header.Get("X-Access-Key") != "very-secret" {
		t.Errorf("the signature is hidden, so that nobody can check it again: %q", r.Header)
	}
}

func TestTheQuarantineCutsLongBodiesAndLeavesOutRedactedOnes(t *testing.T) {
	t.Parallel()
	cfg, q := every(t), &fakeQuarantine{}
	cfg.Quarantine = q
	redacts := preset(t, "github")
	redacts.Redact = &privacy.Config{Drop: []string{"user"}}
	if err := cfg.Sources.Add("github", redacts); err != nil {
		t.Fatal(err)
	}
	s := serve(t, cfg, &fakeBroker{})
	long := `{"text":"` + strings.Repeat("x", 100_000) + `"}`
	header := http.Header{}
	sign(t, "alma", "", header, long)
	s.post(t, "/webhooks/alma", header, long+"\n")
	if r := q.one(t); len(r.Body) != receiver.MaxRejectedBody || !r.Cut || r.Size != int64(len(long))+1 || r.Diagnosis.Cause != signature.ChangedText {
		t.Errorf("a long body: %d bytes of %d, cut %v, %s", len(r.Body), r.Size, r.Cut, r.Diagnosis.Cause)
	}
	s.post(t, "/webhooks/github", http.Header{}, `{"user":"Ada"}`)
	if r := q.one(t); r.Body != nil || !r.Cut || r.Size != 14 {
		t.Errorf("the body of a source that redacts: %+v", r)
	}
}

// A flood is counted, not recorded, and the next record tells the count.
func TestTheQuarantineIsOffUnderFlood(t *testing.T) {
	t.Parallel()
	cfg, q := every(t), &fakeQuarantine{}
	cfg.Quarantine = q
	reg := prometheus.NewRegistry()
	rc, err := receiver.New(cfg, &fakeBroker{}, reg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	handler, s := rc.Handler(), &server{reg: reg}
	sent, leftOut := 0, func() float64 { return s.metric(t, "rejected_left_out_total", "source", "alma") }
	for leftOut() == 0 {
		sent++
		if w := request(t, handler, http.MethodPost, "/webhooks/alma", http.Header{}, ""); w.Code != http.StatusUnauthorized {
			t.Fatal(w.Code)
		}
	}
	records := q.take()
	if len(records) < 20 || len(records)+int(leftOut()) != sent {
		t.Fatalf("%d requests: %d records, %v left out", sent, len(records), leftOut())
	}
	request(t, handler, http.MethodPost, "/webhooks/dropbox", http.Header{}, "")
	if r := q.one(t); r.Source != "dropbox" || r.LeftOut != 0 {
		t.Errorf("another source: %+v", r)
	}
	for len(records) > 0 && records[len(records)-1].LeftOut == 0 { // until the flood is over
		request(t, handler, http.MethodPost, "/webhooks/alma", http.Header{}, "")
		records = append(records, q.take()...)
	}
	if got := records[len(records)-1].LeftOut; got < 1 || float64(got) > leftOut() {
		t.Errorf("the next record tells of %d left out, of %v", got, leftOut())
	}
}
