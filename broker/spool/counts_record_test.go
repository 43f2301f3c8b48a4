package spool

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/broker"
)

// fakeDatabase answers audits as the embedded broker of a spool does.
type fakeDatabase struct {
	mu    sync.Mutex
	audit broker.Audit
	err   error
	look  func() // in the middle of an audit
}

func (f *fakeDatabase) Audit(context.Context) (broker.Audit, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.look != nil {
		f.look()
	}
	return f.audit, f.err
}

func (f *fakeDatabase) Acknowledge(context.Context) error { return nil }

func (f *fakeDatabase) holds(r broker.RouteAudit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.audit = broker.Audit{Since: time.UnixMilli(1000), Routes: []broker.RouteAudit{{}, r}}
}

// opened opens counts beside a database, and returns the messages of the log, too.
func opened(t *testing.T, dir string, database broker.Auditor) (*counts, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	c, err := openCounts(t.Context(), dir, database, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	return c, logs
}

func TestARecordOfTheCountsResumes(t *testing.T) {
	t.Parallel()
	// The record has 10 events of earlier databases before those of the database that was made at 1000.
	record := func(database int64, now, before sums) countsRecord {
		return countsRecord{Number: 5, sums: now, Database: database, Before: before}
	}
	found := func(made, present int64, now sums) databaseCounts { return databaseCounts{now, present, made} }
	known := record(1000, sums{30, 12, 3}, sums{10, 6, 1})
	for name, c := range map[string]struct {
		record   countsRecord
		database databaseCounts
		want     countsRecord
	}{
		"no record":                  {countsRecord{}, found(1000, 3, sums{9, 4, 2}), countsRecord{sums: sums{9, 4, 2}, Database: 1000}},
		"its own database":           {known, found(1000, 12, sums{20, 6, 2}), known},
		"its own knows more":         {known, found(1000, 10, sums{22, 8, 4}), record(1000, sums{32, 14, 5}, sums{10, 6, 1})}, // after a crash
		"an older copy of its own":   {known, found(1000, 11, sums{19, 6, 2}), record(1000, sums{30, 12, 3}, sums{11, 6, 1})},
		"an older copy with more":    {known, found(1000, 18, sums{18, 0, 0}), record(1000, sums{33, 12, 3}, sums{15, 12, 3})}, // published since
		"a new database":             {known, found(2000, 0, sums{}), record(2000, sums{30, 12, 3}, sums{30, 12, 3})},
		"a new database with events": {known, found(2000, 16, sums{16, 0, 0}), record(2000, sums{31, 12, 3}, sums{15, 12, 3})},
	} {
		if got := c.record.resume(c.database); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestTheLatestWholeRecordCounts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, _ := opened(t, dir, &fakeDatabase{})
	for range 4 {
		if err := c.publish(2, func() error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "counts"))
	if err != nil || len(text) != 2*slotSize {
		t.Fatalf("%d bytes, %v", len(text), err)
	}
	latest, _ := lastRecord(bytes.NewReader(text))
	if latest.Taken != 8 || latest.Number != 6 {
		t.Errorf("after 4 publishes of 2 rows: %+v", latest)
	}
	for name, spoil := range map[string]func([]byte){
		"no JSON": func(slot []byte) { slot[0] = 'x' },
		"another value": func(slot []byte) {
			copy(slot, bytes.Replace(slot, []byte(`"taken":`), []byte(`"taken":9`), 1)[:slotSize])
		},
		"no checksum": func(slot []byte) { slot[slotSize-9] = 'x' },
		"no record":   func(slot []byte) { copy(slot, bytes.Repeat([]byte(" "), slotSize)) },
	} {
		spoiled := bytes.Clone(text)
		spoil(spoiled[:slotSize]) // record 6 is in the first slot
		if got, err := lastRecord(bytes.NewReader(spoiled)); err != nil || got.Number != 5 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, part := range map[string][]byte{"empty": {}, "cut": text[:slotSize-1]} {
		if got, err := lastRecord(bytes.NewReader(part)); err != nil || got != (countsRecord{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := lastRecord(unreadable{}); !errors.Is(err, os.ErrPermission) {
		t.Errorf("a file that cannot be read: %v", err)
	}
}

type unreadable struct{}

func (unreadable) ReadAt([]byte, int64) (int, error) { return 0, os.ErrPermission }

func TestEventsThatAreNotStoredAreNotCounted(t *testing.T) {
	t.Parallel()
	dir, full := t.TempDir(), errors.New("disk full")
	c, _ := opened(t, dir, &fakeDatabase{})
	if err := c.publish(1, func() error { return full }); !errors.Is(err, full) {
		t.Errorf("the error is lost: %v", err)
	}
	if err := c.publish(3, func() error { return nil }); err != nil {
		t.Error(err)
	}
	c.published()
	if err := c.close(); err != nil {
		t.Error(err)
	}
	again, logs := opened(t, dir, &fakeDatabase{audit: broker.Audit{Since: time.UnixMilli(1)}})
	if got := again.now; got.Taken != 3 || got.Published != 1 {
		t.Errorf("%+v", got)
	}
	if logs.Len() != 1 || logs.All()[0].ContextMap()["events"] != int64(2) {
		t.Errorf("two events are lost, and the log says %v", logs.All())
	}
	if err := again.close(); err != nil {
		t.Error(err)
	}
}

// TestTheDatabaseCorrectsTheCounts has events that a person discards, and a publish that runs at the same time.
func TestTheDatabaseCorrectsTheCounts(t *testing.T) {
	t.Parallel()
	database := &fakeDatabase{}
	database.holds(broker.RouteAudit{})
	c, logs := opened(t, t.TempDir(), database)
	publish := func() { _ = c.publish(1, func() error { return nil }) }
	for range 10 {
		publish()
	}
	database.holds(broker.RouteAudit{Accepted: 11, Done: 1, Discarded: 2, Waiting: 1, Running: 2, Retrying: 3, Dead: 2})
	want := broker.SpoolCounts{Taken: 11, Published: 1, Discarded: 2, Present: 8}
	if got, err := c.current(t.Context()); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if c.now.Taken != 11 || c.now.Published != 1 || c.now.Discarded != 2 || c.written != 11 {
		t.Errorf("the file has %+v", c.now)
	}
	database.look = publish // an event comes during the audit, which may not see it
	if _, err := c.current(t.Context()); err != nil || c.now.Taken != 12 {
		t.Errorf("%+v, %v: the event that came meanwhile is forgotten", c.now, err)
	}
	database.look, database.err = nil, errors.New("no answer")
	if got, err := c.current(t.Context()); !errors.Is(err, database.err) || got != (broker.SpoolCounts{}) {
		t.Errorf("%+v, %v", got, err)
	}
	if logs.Len() != 0 {
		t.Errorf("the log says %v", logs.All())
	}
	if err := c.close(); err != nil {
		t.Error(err)
	}
}

func TestCountsThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	failing := errors.New("no answer")
	if c, err := openCounts(t.Context(), t.TempDir(), &fakeDatabase{err: failing}, zap.NewNop()); c != nil || !errors.Is(err, failing) {
		t.Errorf("beside a database without an answer: %v, %v", c, err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "counts"), 0o700); err != nil {
		t.Fatal(err)
	}
	if c, err := openCounts(t.Context(), dir, &fakeDatabase{}, zap.NewNop()); c != nil || err == nil {
		t.Errorf("a folder in the place of the file: %v, %v", c, err)
	}
}

func TestTheFileOfTheCountsIsForItsUserOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, _ := opened(t, dir, &fakeDatabase{})
	info, err := os.Stat(filepath.Join(dir, "counts"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := c.close(); err != nil {
		t.Error(err)
	}
}

// TestTheLogSaysOnceThatTheCountsCannotBeWritten has a file that is closed, as a disk that is gone.
func TestTheLogSaysOnceThatTheCountsCannotBeWritten(t *testing.T) {
	t.Parallel()
	c, logs := opened(t, t.TempDir(), &fakeDatabase{})
	if err := c.file.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := c.publish(1, func() error { return nil }); err != nil {
			t.Errorf("an event that is stored is refused: %v", err)
		}
	}
	if logs.Len() != 1 {
		t.Errorf("%d messages", logs.Len())
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	c.report(nil)
	c.report(os.ErrClosed)
	if logs.Len() != 2 {
		t.Errorf("%d messages after it could be written again", logs.Len())
	}
}

// TestCountsAreSafeForConcurrentUse needs -race to see a missing lock.
func TestCountsAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	database := &fakeDatabase{}
	database.holds(broker.RouteAudit{})
	c, _ := opened(t, t.TempDir(), database)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 50 {
				_ = c.publish(1, func() error { return nil })
				c.published()
			}
		})
	}
	group.Go(func() {
		for range 20 {
			if _, err := c.current(t.Context()); err != nil {
				t.Error(err)
			}
			c.sync()
		}
	})
	group.Wait()
	if err := c.close(); err != nil {
		t.Error(err)
	}
	if (*counts)(nil).close() != nil {
		t.Error("counts that could not be opened cannot be closed")
	}
	(*counts)(nil).published()
}

// TestCountsReachTheDiskSoon has the clock of a bubble, so that the timer does not fire before the test looks.
func TestCountsReachTheDiskSoon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, _ := opened(t, dir, &fakeDatabase{})
		for range 2 {
			c.published()
			c.writing.Lock()
			dirty := c.dirty
			c.writing.Unlock()
			if !dirty {
				t.Error("a change has no timer")
			}
			<-time.After(2 * syncPause)
			synctest.Wait()
			c.writing.Lock()
			dirty = c.dirty
			c.writing.Unlock()
			if dirty {
				t.Error("a change waits for longer than its pause")
			}
		}
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
}
