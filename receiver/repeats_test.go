package receiver_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/receiver"
)

// onceBroker is a fakeBroker that detects duplicates as brokers do: by source, action and ID.
func onceBroker() *fakeBroker {
	var mu sync.Mutex
	seen := map[string]bool{}
	return &fakeBroker{publish: func(_ context.Context, e event.Event) error {
		mu.Lock()
		defer mu.Unlock()
		key := e.Key() + " " + e.ID
		if seen[key] {
			return broker.ErrDuplicate
		}
		seen[key] = true
		return nil
	}}
}

// message is one request of a test about repeats.
type message struct {
	header map[string]string
	body   string
}

func (s *server) sendAll(t *testing.T, preset string, messages []message) (answers []string) {
	t.Helper()
	for _, m := range messages {
		header := http.Header{}
		for name, value := range m.header {
			header.Set(name, value)
		}
		got := s.send(t, preset, header, m.body)
		if got.code != http.StatusOK {
			t.Fatalf("answered %d %s", got.code, got.body)
		}
		answers = append(answers, got.body)
	}
	return answers
}

func TestOnlyAnIDOfTheEventMakesARepeatByItself(t *testing.T) {
	t.Parallel()
	h := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	for _, c := range []struct {
		name, preset string
		messages     []message
		stored       int
	}{
		{"a thing that changed twice, and a true repeat", "token", []message{
			{nil, `{"id":42,"type":"updated","stock":1}`}, {nil, `{"id":42,"type":"updated","stock":2}`}, {nil, `{"id":42,"type":"updated","stock":1}`}}, 2},
		{"one Ce-Id of two sources", "token", []message{
			{h("Ce-Id", "1", "Ce-Type", "alarm", "Ce-Source", "/plant/north"), `{}`}, {h("Ce-Id", "1", "Ce-Type", "alarm", "Ce-Source", "/plant/south"), `{}`}}, 2},
		{"a CloudEvent that is repeated with another body", "basic", []message{
			{h("Ce-Id", "1", "Ce-Type", "alarm", "Ce-Source", "/plant/north"), `{"try":1}`}, {h("Ce-Id", "1", "Ce-Type", "alarm", "Ce-Source", "/plant/north"), `{"try":2}`}}, 1},
		{"webhooks of one event in GitLab before 17.4", "gitlab", []message{
			{h("X-Gitlab-Event-UUID", "u"), `{"object_kind":"push","ref":"a"}`}, {h("X-Gitlab-Event-UUID", "u"), `{"object_kind":"push","ref":"b"}`}, {h("X-Gitlab-Event-UUID", "u"), `{"object_kind":"push","ref":"a"}`}}, 2},
		{"GitLab since 17.4", "gitlab", []message{
			{h("Idempotency-Key", "k", "X-Gitlab-Event-UUID", "u"), `{"object_kind":"push","ref":"a"}`}, {h("Idempotency-Key", "l", "X-Gitlab-Event-UUID", "u"), `{"object_kind":"push","ref":"a"}`}}, 2},
		{"Stripe's ID, with a count in the body", "stripe", []message{
			{nil, `{"id":"evt_1","type":"made","pending_webhooks":2}`}, {nil, `{"id":"evt_1","type":"made","pending_webhooks":1}`}}, 1},
		{"a recorded push with other delivery IDs, and with none", "github", []message{
			{h("X-GitHub-Delivery", "a", "X-GitHub-Event", "push"), `{"ref":"x"}`}, {h("X-GitHub-Delivery", "b", "X-GitHub-Event", "push"), `{"ref":"x"}`}, {h("X-GitHub-Event", "push"), `{"ref":"x"}`},
			{h("X-GitHub-Delivery", "a", "X-GitHub-Event", "push"), `{"ref":"x"}`}, {h("X-GitHub-Delivery", "c", "X-GitHub-Event", "push"), `{"ref":"y"}`}}, 2},
		{"one order, two topics of Shopify with equal bodies", "shopify", []message{
			{h("X-Shopify-Webhook-Id", "a", "X-Shopify-Topic", "orders/create"), `{"id":1}`}, {h("X-Shopify-Webhook-Id", "b", "X-Shopify-Topic", "orders/paid"), `{"id":1}`}}, 2},
		{"Dropbox, whose events have equal bodies", "dropbox", []message{{nil, `{"list_folder":{}}`}, {nil, `{"list_folder":{}}`}}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := onceBroker()
			s := serve(t, every(t), b)
			s.sendAll(t, c.preset, c.messages)
			stored := b.stored()
			if len(stored) != c.stored {
				t.Fatalf("%d events are stored, not %d: %v", len(stored), c.stored, stored)
			}
			ids := map[string]bool{}
			for _, e := range stored {
				ids[e.Key()+" "+e.ID] = true
			}
			if len(ids) != c.stored {
				t.Errorf("two events have one identity, so that an audit counts them as one: %v", stored)
			}
			if n := s.metric(t, "duplicates_total", "source", c.preset); int(n) != len(c.messages)-c.stored {
				t.Errorf("%v duplicates are counted", n)
			}
		})
	}
}

func TestAnotherBodyOfAnIDIsLoggedAndCounted(t *testing.T) {
	t.Parallel()
	s := serve(t, every(t), onceBroker())
	answers := s.sendAll(t, "token", []message{{nil, `{"id":42,"type":"t","n":1}`}, {nil, `{"id":42,"type":"t","n":2}`}})
	if answers[0] == answers[1] || !strings.HasPrefix(answers[1], `{"id":"42~`) {
		t.Errorf("answered %v", answers)
	}
	if n := s.metric(t, "other_bodies_total", "source", "token", "result", "stored"); n != 1 {
		t.Errorf("%v counted", n)
	}
	if lines := s.logs.FilterFieldKey("other_body").All(); len(lines) != 1 || lines[0].Message != "event stored" {
		t.Errorf("logged %v", lines)
	}
	s.sendAll(t, "stripe", []message{{nil, `{"id":"e","type":"t","n":1}`}, {nil, `{"id":"e","type":"t","n":2}`}})
	if n := s.metric(t, "other_bodies_total", "source", "stripe", "result", "duplicate"); n != 1 {
		t.Errorf("%v counted", n)
	}
	if lines := s.logs.FilterMessageSnippet("its body differs").All(); len(lines) != 1 {
		t.Errorf("logged %v", lines)
	}
}

func TestARecordedMessageIsRememberedOverAReload(t *testing.T) {
	t.Parallel()
	b := onceBroker()
	rc, s := serveReceiver(t, every(t), b)
	s.sendAll(t, "github", []message{{map[string]string{"X-GitHub-Delivery": "a"}, `{}`}})
	if err := rc.Reload(every(t).Sources); err != nil {
		t.Fatal(err)
	}
	s.sendAll(t, "github", []message{{map[string]string{"X-GitHub-Delivery": "b"}, `{}`}})
	b.one(t)
	if n := s.metric(t, "copies_total", "source", "github"); n != 1 {
		t.Errorf("%v copies are counted", n)
	}
	if lines := s.logs.FilterMessageSnippet("duplicate by its signature").All(); len(lines) != 1 {
		t.Errorf("logged %v", lines)
	}
}

func TestSameSignatureNewTakesEqualBodiesAsEvents(t *testing.T) {
	t.Parallel()
	source := preset(t, "github")
	source.Event.SameSignature = receiver.SameSignatureNew
	b := onceBroker()
	s := serve(t, receiver.Config{Sources: checked(t, map[string]receiver.Source{"github": source})}, b)
	s.sendAll(t, "github", []message{{map[string]string{"X-GitHub-Delivery": "a"}, `{}`}, {map[string]string{"X-GitHub-Delivery": "b"}, `{}`}})
	if n := len(b.stored()); n != 2 {
		t.Errorf("%d stored", n)
	}
}

// A copy of an event that the broker did not store is new: its 200 would promise an event that nobody has.
func TestACopyOfAnEventThatWasNotStoredIsStored(t *testing.T) {
	t.Parallel()
	down := true
	b := &fakeBroker{publish: func(context.Context, event.Event) error {
		if down {
			return errors.New("down")
		}
		return nil
	}}
	s := serve(t, every(t), b)
	if got := s.send(t, "github", http.Header{"X-Github-Delivery": {"a"}}, `{}`); got.code != http.StatusServiceUnavailable {
		t.Fatalf("answered %d", got.code)
	}
	down = false
	s.sendAll(t, "github", []message{{map[string]string{"X-GitHub-Delivery": "b"}, `{}`}})
	b.one(t)
}

func TestAWrittenIDIsJoinedOrUnique(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		places []string
		want   string // of {"a":"x","id":7}
	}{
		{[]string{"json:id"}, event.NewIDWithDigest("7", []byte(`{"a":"x","id":7}`))},
		{[]string{"unique:json:id"}, "7"},
		{[]string{"unique:json:a + json:id"}, event.NewIDWithDigest("7", []byte("x"))},
		{[]string{"json:a + json:id"}, event.NewIDWithDigest("7", []byte("x"), []byte(`{"a":"x","id":7}`))},
		{[]string{"unique:json:missing + json:id", "unique:json:a"}, "x"},
	} {
		b := onceBroker()
		cfg := only(t, func(s *receiver.Source) { s.Event.ID = c.places })
		s := serve(t, cfg, b)
		s.sendAll(t, "alma", []message{{nil, `{"a":"x","id":7}`}})
		if got := b.one(t).ID; got != c.want {
			t.Errorf("%q is read as %q, want %q", c.places, got, c.want)
		}
	}
	bad := preset(t, "alma")
	bad.Event.ID, bad.Event.SameSignature = []string{"unique:json:id + cookie:x"}, "often"
	if err := (receiver.Sources{}).Add("alma", bad); err == nil || !strings.Contains(err.Error(), "cookie:x") || !strings.Contains(err.Error(), "same_signature") {
		t.Errorf("accepted: %v", err)
	}
}
