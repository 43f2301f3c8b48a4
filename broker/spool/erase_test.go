package spool_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/spool"
)

// A person's events can wait in a spool while RabbitMQ is away. They leave no bytes, and the other events stay.
func TestEraseRemovesWaitingEventsOfASpool(t *testing.T) {
	t.Parallel()
	const patron = "PATRON-4711-0815"
	cfg := storeConfig(t)
	r := realRig(t, cfg)
	r.fake.become(fault{ready: broker.ErrDown})
	for _, id := range []string{"other", patron + "-1", patron + "-2"} {
		if err := r.Publish(t.Context(), sample(id)); err != nil {
			t.Fatal(err)
		}
	}
	letters, err := spool.OpenDeadLetters(filepath.Dir(cfg.Path))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{2, 0} {
		removed, err := letters.Erase(t.Context(), func(d broker.StoredDelivery) bool {
			if d.Route != broker.Spool || d.Role() != broker.RoleWork {
				t.Errorf("visited %+v", d)
			}
			return strings.HasPrefix(d.Event.ID, patron)
		})
		if removed != want || err != nil {
			t.Errorf("removed %d, want %d: %v", removed, want, err)
		}
	}
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(cfg.Path + suffix)
		if err != nil || bytes.Contains(content, []byte(patron)) {
			t.Errorf("%s%s has the text: %v", cfg.Path, suffix, err)
		}
	}
	if err := letters.Close(t.Context()); err != nil {
		t.Error(err)
	}
	r.expect(t, "waiting", "", 1)
}
