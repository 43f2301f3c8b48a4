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
	if err := s.write.append(offset, b); err != nil {
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
		t := &transaction{writer: w, events: map[Key]*entry{}, minutes: map[int64][2]int64{}}
		return t.apply(b)
	})
	if err != nil {
		w.seq = seq
	}
	return err
}

// advance notes the place of a batch, and reports whether the batch is new.
func (w *writer) advance(offset int64, b Batch) (isNew bool, err error) {
	if offset != direct {
		var last int64
		if err := w.sql.progress.QueryRow().Scan(&last); err != nil || offset <= last {
			return false, err
		}
		if _, err := w.sql.setProgress.Exec(offset); err != nil {
			return false, err
		}
	}
	process, err := w.names.id(b.Process)
	if err != nil {
		return false, err
	}
	var number, at int64
	if err := w.sql.batch.QueryRow(process).Scan(&number, &at); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	if b.Number <= number {
		return false, nil
	}
	_, err = w.sql.setBatch.Exec(process, b.Number, time.Now().UnixMilli())
	return true, err
}
