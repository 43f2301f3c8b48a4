package spool_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/broker/spool"
)

// kept is a folder with a spool that is opened and closed several times.
type kept struct {
	cfg  spool.Config
	fake *fakeBroker
}

func newKept(t *testing.T) kept {
	return kept{spool.Config{Sources: map[string]bool{"github": true}, MaxAge: maxAge, Dir: t.TempDir()}, newFakeBroker()}
}

func (k kept) file(name string) string { return filepath.Join(k.cfg.Dir, name) }

// with opens the spool, calls do, runs the spool so that it reports its numbers, and closes it. It returns the numbers.
func (k kept) with(t *testing.T, do func(rig)) broker.SpoolCounts {
	t.Helper()
	reported := &reports{}
	s, err := spool.Open(k.cfg, k.fake, reported, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	r := rig{Spool: s, fake: k.fake}
	do(r)
	r.run(t)()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	return reported.counts
}

func nothing(rig) {}

// damage overwrites 64 KiB in the middle of the database.
func (k kept) damage(t *testing.T) {
	t.Helper()
	file, err := os.OpenFile(k.file("spool.db"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte(strings.Repeat("damaged!", 8<<10)), info.Size()/2); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func (k kept) remove(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.RemoveAll(k.file(name)); err != nil {
			t.Fatal(err)
		}
	}
}

// publishing publishes events of 2 KiB while the broker is away.
func (k kept) publishing(t *testing.T, from, to int) func(rig) {
	return func(r rig) {
		k.fake.become(fault{ready: broker.ErrDown})
		for i := from; i < to; i++ {
			e := sample(fmt.Sprint(i))
			e.Data = make([]byte, 2<<10)
			if err := r.Publish(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// drained publishes all spooled events to the broker.
func (k kept) drained(t *testing.T, events int) func(rig) {
	return func(r rig) {
		k.fake.heal()
		stop := r.run(t)
		k.fake.await(t, events)
		stop()
	}
}

func TestASpoolCountsItsEvents(t *testing.T) {
	t.Parallel()
	k := newKept(t)
	expect := func(when string, got, want broker.SpoolCounts) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
	}
	expect("while the broker is away", k.with(t, k.publishing(t, 0, 7)), broker.SpoolCounts{Taken: 7, Present: 7})
	expect("after a restart", k.with(t, nothing), broker.SpoolCounts{Taken: 7, Present: 7})
	expect("drained", k.with(t, k.drained(t, 7)), broker.SpoolCounts{Taken: 7, Published: 7})
	k.remove(t, "counts")
	expect("as after an upgrade from a spool without the file", k.with(t, k.publishing(t, 7, 9)), broker.SpoolCounts{Taken: 9, Published: 7, Present: 2})
	backup, err := os.ReadFile(k.file("spool.db"))
	if err != nil {
		t.Fatal(err)
	}
	k.with(t, k.drained(t, 9))
	k.with(t, k.publishing(t, 9, 11))
	expect("drained again", k.with(t, k.drained(t, 11)), broker.SpoolCounts{Taken: 11, Published: 11})
	if err := os.WriteFile(k.file("spool.db"), backup, 0o600); err != nil {
		t.Fatal(err)
	}
	expect("an older copy of the database: its events come again", k.with(t, nothing), broker.SpoolCounts{Taken: 13, Published: 11, Present: 2})
	expect("and are published again", k.with(t, k.drained(t, 13)), broker.SpoolCounts{Taken: 13, Published: 13})
	k.with(t, k.publishing(t, 20, 25))
	k.remove(t, "spool.db", "spool.db-wal", "spool.db-shm")
	expect("the database is gone", k.with(t, nothing), broker.SpoolCounts{Taken: 18, Published: 13})
	expect("later", k.with(t, k.publishing(t, 30, 31)), broker.SpoolCounts{Taken: 19, Published: 13, Present: 1})
}

func TestADamagedSpoolSaysHowManyEventsItLost(t *testing.T) {
	t.Parallel()
	for name, drained := range map[string]int{"all are there": 0, "some were published": 40} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKept(t)
			if drained > 0 {
				k.with(t, k.publishing(t, 500, 500+drained))
				k.with(t, k.drained(t, drained))
			}
			const events = 203
			k.with(t, k.publishing(t, 0, events))
			k.damage(t)
			got := k.with(t, nothing)
			store, err := embedded.Attach(embedded.Config{Path: k.file("spool.db"), Routes: []broker.Route{spool.Route()}})
			if err != nil {
				t.Fatal(err)
			}
			left, err := store.Audit(t.Context())
			if err := store.Close(context.Background()); err != nil {
				t.Error(err)
			}
			if err != nil || left.Routes[1].Waiting == 0 || left.Routes[1].Waiting >= events {
				t.Fatalf("the damage did not take some of the events: %+v, %v", left, err)
			}
			want := broker.SpoolCounts{Taken: int64(events + drained), Published: int64(drained), Present: left.Routes[1].Waiting}
			if got != want || got.Unaccounted() != events-want.Present {
				t.Errorf("%+v, want %+v", got, want)
			}
			k.with(t, k.drained(t, drained+int(want.Present)))
			if got := k.with(t, nothing).Unaccounted(); got != events-want.Present {
				t.Errorf("%d are unaccounted for after the others were published", got)
			}
		})
	}
}

// A crash can tear the record that is being written.
func TestATornRecordOfTheCountsIsLeftOut(t *testing.T) {
	t.Parallel()
	for slot := range 2 {
		k := newKept(t)
		k.with(t, k.publishing(t, 0, 3))
		text, err := os.ReadFile(k.file("counts"))
		if err != nil {
			t.Fatal(err)
		}
		copy(text[slot*len(text)/2+40:], "torn")
		if err := os.WriteFile(k.file("counts"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		k.remove(t, "spool.db", "spool.db-wal", "spool.db-shm")
		if got := k.with(t, nothing).Taken; got != 3 {
			t.Errorf("%d taken, with slot %d torn", got, slot)
		}
	}
}

// BenchmarkCounts measures what the counts outside the database cost: events that many senders spool at once.
func BenchmarkCounts(b *testing.B) {
	for _, senders := range []int{1, 8, 64} {
		for _, counted := range []bool{false, true} {
			name := map[bool]string{false: "database", true: "counts"}[counted]
			b.Run(fmt.Sprintf("%s/senders=%d", name, senders), func(b *testing.B) {
				fake, dir := newFakeBroker(), b.TempDir()
				fake.become(fault{ready: broker.ErrDown})
				if !counted { // a folder in the place of the file
					if err := os.Mkdir(filepath.Join(dir, "counts"), 0o700); err != nil {
						b.Fatal(err)
					}
				}
				cfg := spool.Config{Sources: map[string]bool{"github": true}, MaxAge: maxAge, Dir: dir}
				to, err := spool.Open(cfg, fake, &reports{}, prometheus.NewRegistry(), zap.NewNop())
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { _ = to.Close(context.Background()) })
				b.ResetTimer()
				load(b, to, senders, b.N)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// TestASpoolWithoutCountsSaysSo has a folder in the place of their file.
func TestASpoolWithoutCountsSaysSo(t *testing.T) {
	t.Parallel()
	for _, blocked := range []bool{false, true} {
		k := newKept(t)
		if blocked {
			if err := os.Mkdir(k.file("counts"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		core, logs := observer.New(zap.ErrorLevel)
		s, err := spool.Open(k.cfg, k.fake, &reports{}, prometheus.NewRegistry(), zap.New(core))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if said := logs.FilterMessageSnippet("the spool has no counts outside its database").Len() == 1; said != blocked || logs.Len() > 1 {
			t.Errorf("blocked %t: the log says %v", blocked, logs.All())
		}
	}
}
