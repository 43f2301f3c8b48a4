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
)

// fakeJournal is a receiver.Journal.
type fakeJournal struct {
	mu      sync.Mutex
	entries []string // source, ID, secret
}

func (j *fakeJournal) Stored(e event.Event, secret string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, strings.Join([]string{e.Source, string(e.Data), secret}, " "))
}

func TestTheJournalHasEachStoredEventOnce(t *testing.T) {
	t.Parallel()
	cfg, kept := every(t), &fakeJournal{}
	cfg.Journal = kept
	s := serve(t, cfg, &fakeBroker{publish: func(_ context.Context, e event.Event) error {
		switch e.Source {
		case "token":
			return errors.New("down")
		case "gitlab":
			return broker.ErrDuplicate
		}
		return nil
	}})
	s.send(t, "github", nil, `{"n":1}`)
	s.send(t, "token", nil, `{"n":2}`)                      // not stored
	s.send(t, "gitlab", nil, `{"n":3}`)                     // stored before
	s.post(t, "/webhooks/github", http.Header{}, `{"n":4}`) // no signature
	s.send(t, "slack", nil, `{"type":"url_verification"}`)  // a handshake
	s.send(t, "alma", nil, "not understood, but stored")    // unreadable
	const want = `github {"n":1} now|alma not understood, but stored now`
	kept.mu.Lock()
	defer kept.mu.Unlock()
	if got := strings.Join(kept.entries, "|"); got != want {
		t.Errorf("the journal has %q, want %q", got, want)
	}
}
