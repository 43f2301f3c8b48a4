package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/hookline/hookline/pkg/event"
)

const (
	// erasePage is the number of events that Erase reads at a time.
	erasePage = 200
	// mergePages is the number of pages of the full-text index that one transaction of Erase writes.
	mergePages = 200
	// erased stands for an error's text that was erased.
	erased = "(erased)"
)

// Match chooses the events to be erased. A pkg/privacy.Mention is one.
type Match interface {
	In(e event.Event) bool
	InText(text string) bool // of an error
}

// Erase removes the events and rejected requests that match, or of which an error does, for good: nothing of them stays in the file or in its
// log. It reads the whole journal, and returns their number, also with an error. Events that come in meanwhile can be missed: repeat it until
// it returns 0. A stream keeps its copies until their age has passed.
func (s *Store) Erase(ctx context.Context, m Match) (removed int, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("erase from the journal: %w", err)
		}
	}()
	for after, more := int64(0), true; more; {
		var seqs []int64
		if seqs, after, more, err = s.matching(ctx, m, after); err != nil {
			return removed, err
		}
		if len(seqs) == 0 {
			continue
		}
		if err := s.remove(seqs); err != nil {
			return removed, err
		}
		removed += len(seqs)
	}
	rejected, err := s.RemoveRejected(ctx, func(r RejectedRequest) bool { return inRequest(m, r.Rejected) })
	removed += rejected
	if err != nil {
		return removed, err
	}
	texts, err := s.eraseErrors(ctx, m)
	if err != nil {
		return removed, err
	}
	dictionaries, err := s.eraseDictionaries(ctx, m)
	if err != nil || removed+texts+dictionaries == 0 {
		return removed, err
	}
	return removed, s.purge(ctx)
}

// matching returns the events that match among the next ones.
func (s *Store) matching(ctx context.Context, m Match, after int64) (seqs []int64, last int64, more bool, err error) {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, 0, false, explain(err)
	}
	defer func() { err = errors.Join(err, explain(ignoreDone(tx.Rollback()))) }()
	page, err := s.numbers(ctx, "SELECT seq FROM event WHERE seq > ? ORDER BY seq LIMIT ?", after, erasePage)
	if err != nil || len(page) == 0 {
		return nil, after, false, err
	}
	for _, seq := range page {
		d, err := s.detail(ctx, tx, seq)
		if errors.Is(err, ErrNotFound) {
			continue // it was removed meanwhile
		}
		if err != nil {
			return nil, 0, false, err
		}
		found := m.In(d.Event()) || m.InText(d.ContentType)
		for _, a := range d.Ended {
			found = found || m.InText(a.Error)
		}
		if found {
			seqs = append(seqs, seq)
		}
	}
	return seqs, page[len(page)-1], true, nil
}

func inRequest(m Match, r Rejected) bool {
	e := event.Event{Header: map[string]string{}, Data: r.Body}
	for name, values := range r.Header {
		e.Header[name] = strings.Join(values, " ")
	}
	return m.In(e) || m.InText(r.Path) || m.InText(r.Query) || m.InText(r.Client)
}

// eraseErrors replaces the texts of groups that match.
func (s *Store) eraseErrors(ctx context.Context, m Match) (n int, err error) {
	found, err := s.read.QueryContext(ctx, "SELECT DISTINCT error, pattern, text FROM failure JOIN pattern ON id = pattern")
	if err != nil {
		return 0, explain(err)
	}
	defer found.Close()
	var change []func() error
	w := s.write
	for found.Next() {
		var text, pattern string
		var id int64
		if err := found.Scan(&text, &id, &pattern); err != nil {
			return 0, explain(err)
		}
		if m.InText(text) {
			change = append(change, func() error {
				_, err := w.conn.ExecContext(context.Background(), "UPDATE failure SET error = ? WHERE pattern = ? AND error = ?", erased, id, text)
				return err
			})
		}
		if m.InText(pattern) {
			change = append(change, func() error {
				_, err := w.conn.ExecContext(context.Background(), "UPDATE pattern SET text = ? WHERE id = ?", fmt.Sprint(erased, " ", id), id)
				return err
			})
		}
	}
	if err := errors.Join(found.Err(), found.Close()); err != nil || len(change) == 0 {
		return 0, explain(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(change), w.transact(func() error {
		w.patterns.forget()
		for _, do := range change {
			if err := do(); err != nil {
				return err
			}
		}
		return nil
	})
}

// purge writes the full-text index anew without removed events, in small steps, and empties the log.
func (s *Store) purge(ctx context.Context) error {
	for pages := -mergePages; ; pages = mergePages {
		changed, err := s.merge(pages)
		if err != nil {
			return err
		}
		if changed < 2 { // FTS5 counts one change for the command itself
			break
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
	for {
		s.mu.Lock()
		var busy, log, copied int
		err := s.write.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &copied)
		s.mu.Unlock()
		if err != nil || busy == 0 {
			return explain(err)
		}
		if err := wait(ctx, pause); err != nil { // a reader still needs the log
			return err
		}
	}
}

// merge merges parts of the full-text index, and returns the number of changes.
func (s *Store) merge(pages int) (changed int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.write
	err = w.transact(func() error {
		var before, after int64
		if err := w.conn.QueryRowContext(context.Background(), "SELECT total_changes()").Scan(&before); err != nil {
			return err
		}
		if _, err := w.conn.ExecContext(context.Background(), "INSERT INTO text (text, rank) VALUES ('merge', ?)", pages); err != nil {
			return err
		}
		err := w.conn.QueryRowContext(context.Background(), "SELECT total_changes()").Scan(&after)
		changed = after - before
		return err
	})
	return changed, err
}
