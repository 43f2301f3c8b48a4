package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// direct is the offset of a batch that came from no stream.
const direct = -1

// Append stores a batch. A batch that is stored already is ignored: its process and number tell. After an error nothing of it is stored, and
// the batch can be given again; the errors are ErrFull, ErrRemoved, ErrDamaged and others of the file.
func (s *Store) Append(ctx context.Context, b Batch) error { return s.append(ctx, direct, b) }

// AppendAt stores a batch from a place of the stream, and the place with it. A place before or at the stored one is ignored.
func (s *Store) AppendAt(ctx context.Context, offset int64, b Batch) error {
	if offset < 0 {
		return fmt.Errorf("offset %d of the stream is below 0", offset)
	}
	return s.append(ctx, offset, b)
}

func (s *Store) append(ctx context.Context, offset int64, b Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.write.append(offset, b)
	s.metrics.appended(b, err)
	if err != nil {
		return fmt.Errorf("store a batch in the journal: %w", err)
	}
	s.changes.tell()
	return nil
}

// Offset returns the place of the stream up to which the journal has it, and false if it has nothing of a stream.
func (s *Store) Offset(ctx context.Context) (offset int64, ok bool, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT stream FROM progress").Scan(&offset)
	return offset, offset >= 0, explain(err)
}

func (w *writer) append(offset int64, b Batch) error {
	seq := w.seq
	err := w.transact(func() error {
		isNew, err := w.advance(offset, b)
		if err != nil || !isNew {
			return err
		}
		return newTransaction(w).apply(b)
	})
	if err != nil {
		w.seq = seq
	}
	return err
}

// advance notes the place of a batch and the gap before it, and reports whether the batch is new.
func (w *writer) advance(offset int64, b Batch) (isNew bool, err error) {
	var stream int64
	if err := queryRow(w.sql.progress).Scan(&stream); err != nil || offset != direct && offset <= stream {
		return false, err
	}
	first, last := span(b)
	if _, err := exec(w.sql.setProgress, max(offset, stream), offset == direct, last); err != nil {
		return false, err
	}
	process, err := w.names.id(b.Process)
	if err != nil {
		return false, err
	}
	var number, at int64
	if err := queryRow(w.sql.batch, process).Scan(&number, &at); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	if b.Number <= number {
		return false, nil
	}
	if at == 0 {
		at = first
	}
	if b.Number > number+1 && (number > 0 || stream >= 0) {
		if err := w.addGap(process, GapMissing, at, first, 0); err != nil {
			return false, err
		}
	}
	if b.Lost > 0 {
		if err := w.addGap(process, GapDropped, at, first, b.Lost); err != nil {
			return false, err
		}
	}
	_, err = exec(w.sql.setBatch, process, b.Number, last)
	return true, err
}

// span returns the times of the first and the last record of a batch, in milliseconds; of an empty one, now.
func span(b Batch) (first, last int64) {
	add := func(t time.Time) {
		at := t.UnixMilli()
		if first == 0 {
			first = at
		}
		first, last = min(first, at), max(last, at)
	}
	for _, s := range b.Stored {
		add(s.Event.Time)
	}
	for _, a := range b.Ended {
		add(a.Start)
	}
	if first == 0 {
		add(time.Now())
	}
	return first, last
}
