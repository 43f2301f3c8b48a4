package spool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/durable"
)

const (
	// slotSize is the size of a record in the file of the counts, in bytes. The file has two, which are written in turn: a crash tears one
	// at most.
	slotSize = 512
	// syncPause is the longest time between a change of the file and its fsync.
	syncPause = 100 * time.Millisecond
)

// counts are the cumulative numbers of a spool. They are also in a file beside the database, so that the loss of the database does not
// hide the number of events that it held. An event is in the file before its sender gets a 200, and after syncPause on the disk, too: an
// fsync for each event would halve the rate. After a crash the database's own counts hold. So only a power cut that also damages the
// database can hide an event, of its last syncPause.
type counts struct {
	database broker.Auditor
	file     *os.File
	log      *zap.Logger

	mu       sync.Mutex
	now      countsRecord
	inFlight int   // publishes to the disk that have not returned
	returned int64 // publishes to the disk

	writing sync.Mutex
	written int64 // taken, as it is in the file
	dirty   bool  // the file has changes that are not on the disk; a timer runs
	failed  bool
}

// countsRecord is a record of the file.
type countsRecord struct {
	Number int64 `json:"number"` // of the record
	sums
	// Database is the time at which the database was made, in Unix ms. The sums are those of the database and of those before it.
	Database int64 `json:"database"`
	// Before are the parts of the sums that are not in the database's own counts.
	Before sums `json:"before"`
}

// sums are cumulative numbers of events.
type sums struct {
	Taken     int64 `json:"taken"`
	Published int64 `json:"published"`
	Discarded int64 `json:"discarded"`
}

func (s sums) plus(t sums) sums {
	return sums{s.Taken + t.Taken, s.Published + t.Published, s.Discarded + t.Discarded}
}

func (s sums) minus(t sums) sums {
	return sums{s.Taken - t.Taken, s.Published - t.Published, s.Discarded - t.Discarded}
}

// databaseCounts are the numbers of the database since it was made.
type databaseCounts struct {
	sums
	present, made int64
}

// openCounts opens the file of the counts in dir, or makes it.
func openCounts(ctx context.Context, dir string, database broker.Auditor, log *zap.Logger) (*counts, error) {
	file, err := os.OpenFile(filepath.Join(dir, "counts"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("counts of the spool: %w", err)
	}
	c := &counts{database: database, file: file, log: log}
	found, err := c.read(ctx)
	if err == nil {
		c.now, err = lastRecord(file)
	}
	if err == nil {
		c.now = c.now.resume(found)
		err = errors.Join(c.write(), file.Sync(), durable.Sync(durable.OS{}, dir))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("counts of the spool: %w", err), file.Close())
	}
	if lost := c.now.Taken - c.now.Published - c.now.Discarded - found.present; lost > 0 {
		log.Error("the spool lacks events that were answered 200; `hookline audit` shows them", zap.Int64("events", lost))
	}
	return c, nil
}

// resume returns the record that belongs to a database. The counts of the record's own database hold. Another database, or an older copy,
// continues the record's numbers; the events in it that are more than the numbers explain count as taken again.
func (r countsRecord) resume(d databaseCounts) countsRecord {
	if r.Number == 0 {
		return countsRecord{sums: d.sums, Database: d.made}
	}
	if all := r.Before.plus(d.sums); r.Database == d.made && all.Taken >= r.Taken {
		r.sums = all
		return r
	}
	r.Taken = max(r.Taken, r.Published+r.Discarded+d.present)
	r.Database = d.made
	r.Before = r.minus(d.sums)
	return r
}

// read reads the database's own counts, at one moment.
func (c *counts) read(ctx context.Context) (d databaseCounts, err error) {
	a, err := c.database.Audit(ctx)
	for _, r := range a.Routes {
		d.sums = d.plus(sums{r.Accepted, r.Done, r.Discarded})
		d.present += r.Waiting + r.Running + r.Retrying + r.Dead
	}
	d.made = a.Since.UnixMilli()
	return d, err
}

// publish counts an event that store stores, once for each row of the database: an event that only some routes lack has a row for each.
func (c *counts) publish(rows int, store func() error) error {
	if c == nil {
		return store()
	}
	c.mu.Lock()
	c.inFlight++
	c.mu.Unlock()
	err := store()
	c.mu.Lock()
	c.inFlight--
	c.returned++
	if err == nil {
		c.now.Taken += int64(rows)
	}
	taken := c.now.Taken
	c.mu.Unlock()
	if err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.written < taken { // else another publish has written the number
		c.save()
	}
	return nil
}

// published counts an event that the broker has stored.
func (c *counts) published() {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.now.Published++
	c.mu.Unlock()
	c.writing.Lock()
	defer c.writing.Unlock()
	c.save()
}

// save writes the numbers, and lets them reach the disk within syncPause. An error is logged only, because the events themselves are on
// the disk. The caller holds writing.
func (c *counts) save() {
	c.report(c.write())
	if !c.dirty {
		c.dirty = true
		time.AfterFunc(syncPause, c.sync)
	}
}

// sync brings the file to the disk, without holding up those who write it.
func (c *counts) sync() {
	c.writing.Lock()
	c.dirty = false
	c.writing.Unlock()
	err := c.file.Sync()
	c.writing.Lock()
	defer c.writing.Unlock()
	if !errors.Is(err, os.ErrClosed) {
		c.report(err)
	}
}

// report logs the first of several errors.
func (c *counts) report(err error) {
	if err != nil && !c.failed {
		c.log.Error("the spool's counts cannot be written; a later loss of its database may stay unseen", zap.Error(err))
	}
	c.failed = err != nil
}

// current returns the numbers of the spool, from the database, and corrects those of the file by it: a person can have discarded events,
// and a publish can have stored its event without knowing it.
func (c *counts) current(ctx context.Context) (broker.SpoolCounts, error) {
	c.mu.Lock()
	quiet, returned := c.inFlight == 0, c.returned
	c.mu.Unlock()
	d, err := c.read(ctx)
	if err != nil {
		return broker.SpoolCounts{}, err
	}
	c.mu.Lock()
	all := c.now.Before.plus(d.sums)
	if quiet && c.inFlight == 0 && c.returned == returned {
		c.now.Taken = all.Taken
	}
	c.now.Published, c.now.Discarded = max(c.now.Published, all.Published), all.Discarded
	c.mu.Unlock()
	c.writing.Lock()
	defer c.writing.Unlock()
	c.save()
	return broker.SpoolCounts{Taken: all.Taken, Published: all.Published, Discarded: all.Discarded, Present: d.present}, nil
}

// write writes the numbers to the file, without an fsync. The caller holds writing.
func (c *counts) write() error {
	c.mu.Lock()
	c.now.Number++
	record := c.now
	c.mu.Unlock()
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	slot := fmt.Sprintf("%-*s%08x\n", slotSize-9, text, crc32.ChecksumIEEE(text))
	if _, err = c.file.WriteAt([]byte(slot), record.Number%2*slotSize); err == nil {
		c.written = record.Taken
	}
	return err
}

// lastRecord returns the latest whole record of a file, and the zero record without one.
func lastRecord(file io.ReaderAt) (last countsRecord, err error) {
	text := make([]byte, 2*slotSize)
	n, err := file.ReadAt(text, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return countsRecord{}, err
	}
	for from := 0; from+slotSize <= n; from += slotSize {
		slot := text[from : from+slotSize]
		var r countsRecord
		var raw json.RawMessage
		var sum uint32
		if json.Unmarshal(slot[:slotSize-9], &raw) != nil || json.Unmarshal(raw, &r) != nil {
			continue
		}
		if _, err := fmt.Sscanf(string(slot[slotSize-9:]), "%08x", &sum); err != nil || sum != crc32.ChecksumIEEE(raw) {
			continue
		}
		if r.Number > last.Number {
			last = r
		}
	}
	return last, nil
}

// close makes the numbers durable and closes the file.
func (c *counts) close() error {
	if c == nil {
		return nil
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	return errors.Join(c.write(), c.file.Sync(), c.file.Close())
}
