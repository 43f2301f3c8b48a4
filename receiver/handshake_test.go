package receiver_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/receiver"
)

// untouchedBroker returns a broker that fails the test when an event reaches it.
func untouchedBroker(t *testing.T) *fakeBroker {
	return &fakeBroker{publish: func(context.Context, event.Event) error {
		t.Error("a handshake reached the broker")
		return broker.ErrDown
	}}
}

func TestHandshakesThatComeAsGet(t *testing.T) {
	t.Parallel()
	s := serve(t, every(t), untouchedBroker(t))
	const (
		asJSON = "application/json"
		asText = "text/plain; charset=utf-8"
	)
	long := strings.Repeat("x", 513)
	for _, c := range []struct {
		name, path   string
		code         int
		kind, answer string
	}{
		{"alma", "/webhooks/alma?challenge=a1b2", 200, asJSON, `{"challenge":"a1b2"}`},
		{"alma with more parameters", "/webhooks/alma?institution=01X&challenge=a&x=%zz", 200, asJSON, `{"challenge":"a"}`},
		{"alma with quotes", "/webhooks/alma?challenge=%22%3Cscript%3E", 200, asJSON, `{"challenge":"\"\u003cscript\u003e"}`},
		{"alma without", "/webhooks/alma", 400, asJSON, ""},
		{"alma empty", "/webhooks/alma?challenge=", 400, asJSON, ""},
		{"alma too long", "/webhooks/alma?challenge=" + long, 400, asJSON, ""},
		{"alma longest", "/webhooks/alma?challenge=" + long[1:], 200, asJSON, `{"challenge":"` + long[1:] + `"}`},
		{"alma not printable", "/webhooks/alma?challenge=a%0d%0ab", 400, asJSON, ""},
		{"alma not ASCII", "/webhooks/alma?challenge=%f0%9f%8e%a3", 400, asJSON, ""},
		{"dropbox", "/webhooks/dropbox?challenge=%3Cb%3E", 200, asText, `<b>`},
		{"meta", "/webhooks/meta?hub.mode=subscribe&hub.verify_token=open&hub.challenge=115", 200, asText, `115`},
		{"meta wrong token", "/webhooks/meta?hub.mode=subscribe&hub.verify_token=opem&hub.challenge=115", 403, asJSON, ""},
		{"meta no token", "/webhooks/meta?hub.mode=subscribe&hub.challenge=115", 403, asJSON, ""},
		{"meta other mode", "/webhooks/meta?hub.mode=x&hub.verify_token=open&hub.challenge=115", 403, asJSON, ""},
		{"meta without", "/webhooks/meta?hub.mode=subscribe&hub.verify_token=open", 400, asJSON, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.get(t, c.path)
			if got.code != c.code || got.header.Get("Content-Type") != c.kind || got.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("answered %d %q %q", got.code, got.header, got.body)
			}
			if c.answer != "" && got.body != c.answer {
				t.Errorf("answered %s", got.body)
			}
			if strings.Contains(got.body, "open") {
				t.Error("the token leaks")
			}
		})
	}
	for source, want := range map[string][2]float64{"alma": {4, 5}, "dropbox": {1, 0}, "meta": {1, 4}, "github": {0, 0}} {
		answered, refused := s.metric(t, "handshakes_total", "source", source, "result", "answered"), s.metric(t, "handshakes_total", "source", source, "result", "refused")
		if answered != want[0] || refused != want[1] {
			t.Errorf("%s: counted %v answered, %v refused", source, answered, refused)
		}
	}
	if n := s.logs.FilterMessage("handshake answered").Len(); n != 6 {
		t.Errorf("%d log lines", n)
	}
}

func TestHandshakesThatComeAsPost(t *testing.T) {
	t.Parallel()
	s := serve(t, every(t), untouchedBroker(t))
	zoom, _ := signature.Preset("zoom")
	v, err := signature.New(zoom, []signature.Secret{{Value: setting.Secret(secretOf("zoom"))}})
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	sign(t, "zoom", "", header, "{}")
	proof, err := v.Verify(signature.Request{Method: http.MethodPost, Header: header, Body: []byte("{}")}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := proof.HMACHex([]byte("qgg8"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		source, body string
		code         int
		answer       string
	}{
		{"slack", `{"type":"url_verification","token":"x","challenge":"3eZbrw1a"}`, 200, `{"challenge":"3eZbrw1a"}`},
		{"slack", `{"type":"url_verification"}`, 400, ""},
		{"slack", `{"type":"url_verification","challenge":"\n"}`, 400, ""},
		{"zoom", `{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8"}}`, 200, `{"encryptedToken":"` + encrypted + `","plainToken":"qgg8"}`},
		{"zoom", `{"event":"endpoint.url_validation","payload":{}}`, 400, ""},
	} {
		got := s.send(t, c.source, nil, c.body)
		if got.code != c.code || (c.answer != "" && got.body != c.answer) {
			t.Errorf("%s %s: answered %d %s", c.source, c.body, got.code, got.body)
		}
		if got := s.post(t, "/webhooks/"+c.source, http.Header{}, c.body); got.code != http.StatusUnauthorized {
			t.Errorf("%s unsigned: answered %d", c.source, got.code)
		}
	}
}

func TestAHandshakeOfAnotherSenderIsAnEvent(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	s := serve(t, every(t), &b)
	if got := s.send(t, "stripe", nil, `{"id":"1","type":"url_verification","challenge":"x"}`); got.code != http.StatusOK || !strings.Contains(got.body, `"id"`) {
		t.Errorf("answered %d %s", got.code, got.body)
	}
	b.one(t)
}

// FuzzHandshakeEcho checks that an answer repeats short printable values only, with the content type of the handshake.
func FuzzHandshakeEcho(f *testing.F) {
	f.Add("a1b2")
	f.Add("\"<script>\\\r\n")
	f.Add(strings.Repeat("x", 600))
	handler := handlerFor(f, every(f), &fakeBroker{})
	f.Fuzz(func(t *testing.T, value string) {
		for _, source := range []string{"alma", "dropbox"} {
			w := request(t, handler, http.MethodGet, "/webhooks/"+source+"?challenge="+url.QueryEscape(value), nil, "")
			body := w.Body.String()
			if w.Code != http.StatusOK {
				if w.Code != http.StatusBadRequest || (value != "" && strings.Contains(body, value) && len(value) > 30) {
					t.Fatalf("answered %d %s", w.Code, body)
				}
				continue
			}
			got := body
			if source == "alma" {
				var answer struct{ Challenge string }
				if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
					t.Fatal(err)
				}
				got = answer.Challenge
			}
			if got != value || len(value) > 512 || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Fatalf("%s echoed %q for %q", source, got, value)
			}
		}
	})
}

func TestZoomsValidationIsAnsweredWithTheSecretThatFitted(t *testing.T) {
	t.Parallel()
	zoom := preset(t, "zoom")
	zoom.Secrets = append(signature.Secrets{{Value: "the-secret-before-this-one"}}, zoom.Secrets...)
	s := serve(t, receiver.Config{Sources: checked(t, map[string]receiver.Source{"zoom": zoom})}, untouchedBroker(t))
	mac := hmac.New(sha256.New, []byte(secretOf("zoom")))
	mac.Write([]byte("qgg8"))
	got := s.send(t, "zoom", nil, `{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8"}}`)
	if want := `{"encryptedToken":"` + hex.EncodeToString(mac.Sum(nil)) + `","plainToken":"qgg8"}`; got.body != want {
		t.Errorf("answered %s, want %s", got.body, want)
	}
}
