package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hookline/hookline/pkg/event"
)

// Summary is an event in a list.
type Summary struct {
	Seq         int64 // its number in this journal; later ones are larger
	Key         Key
	State       State
	Known       bool // the record of its storing has come; without it only attempts are known
	ContentType string
	Size        int64  // of the body in bytes
	Secret      string // label of the secret that fitted
	Process     string // that stored it
	Attempts    int    // that ended, on all routes
	Routes      []RouteState
}

// Detail is an event with everything that the journal has of it.
type Detail struct {
	Summary
	Kept   bool              // the body is kept; it is not if the source leaves bodies out, or if it was too large
	Header map[string]string // by canonical name
	Data   []byte            // the body as stored
	Ended  []Attempt         // the newest first
}

// Event returns the event as it was stored. Without d.Kept it lacks headers and body.
func (d Detail) Event() event.Event {
	return event.Event{ID: d.Key.ID, Source: d.Key.Source, Action: d.Key.Action, Time: d.Key.Time, ContentType: d.ContentType, Header: d.Header, Data: d.Data}
}

const summaryColumns = `e.seq, e.id, s.text, a.text, e.time, e.state, e.attempts, e.size, c.text, k.text, p.text`

const summaryJoins = ` JOIN name s ON s.id = e.source JOIN name a ON a.id = e.action JOIN name c ON c.id = e.content_type
	JOIN name k ON k.id = e.secret JOIN name p ON p.id = e.process`

func scanSummary(row interface{ Scan(...any) error }, more ...any) (s Summary, err error) {
	var at int64
	var state int
	err = row.Scan(append([]any{&s.Seq, &s.Key.ID, &s.Key.Source, &s.Key.Action, &at, &state, &s.Attempts, &s.Size, &s.ContentType, &s.Secret, &s.Process}, more...)...)
	s.Key.Time, s.State, s.Known = time.UnixMilli(at).UTC(), stateOf(state), s.Size >= 0
	s.Size = max(s.Size, 0)
	return s, err
}

// Events returns a page of events, the newest first, and the cursor of the next page: for Page.Before, or for Page.After if that is set. A
// cursor for Page.Before is empty behind the last page; one for Page.After never is, so that a list can follow new events. A page can have fewer events than its limit, or none, with a cursor: the search has then looked
// through many others, and goes on there.
func (s *Store) Events(ctx context.Context, f Filter, p Page) (events []Summary, next string, err error) {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // events and their attempts are of one moment
	if err != nil {
		return nil, "", explain(err)
	}
	defer func() { err = errors.Join(err, explain(ignoreDone(tx.Rollback()))) }()
	seqs, next, err := s.find(ctx, tx, f, p)
	if err != nil {
		return nil, "", err
	}
	events, err = s.summaries(ctx, tx, seqs)
	return events, next, err
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// summaries reads the events with the numbers, the newest first.
func (s *Store) summaries(ctx context.Context, tx *sql.Tx, seqs []int64) (events []Summary, err error) {
	if len(seqs) == 0 {
		return nil, nil
	}
	list, err := json.Marshal(seqs)
	if err != nil {
		return nil, err
	}
	found, err := tx.StmtContext(ctx, s.queries.summaries).QueryContext(ctx, string(list)) //nolint:sqlclosecheck // the end of tx closes it
	if err != nil {
		return nil, explain(err)
	}
	defer found.Close()
	at := map[int64]int{}
	for found.Next() {
		e, err := scanSummary(found)
		if err != nil {
			return nil, explain(err)
		}
		at[e.Seq] = len(events)
		events = append(events, e)
	}
	if err := found.Err(); err != nil {
		return nil, explain(err)
	}
	attempts, err := s.attempts(ctx, tx, string(list))
	if err != nil {
		return nil, err
	}
	for seq, all := range attempts {
		e := &events[at[seq]]
		e.Routes = routeStates(timed(e.Key, all))
	}
	slices.SortFunc(events, func(a, b Summary) int { return int(b.Seq - a.Seq) })
	return events, nil
}

// attempts reads the attempts of the events with the numbers in a JSON list. Their times lack the event's time: see timed.
func (s *Store) attempts(ctx context.Context, tx *sql.Tx, seqs string) (map[int64][]Attempt, error) {
	found, err := tx.StmtContext(ctx, s.queries.attempts).QueryContext(ctx, seqs) //nolint:sqlclosecheck // the end of tx closes it
	if err != nil {
		return nil, explain(err)
	}
	return scanAttempts(found)
}

// attemptColumns are read by scanAttempts.
const attemptColumns = `SELECT a.seq, r.text, number, start, duration, o.text, reason.text, p.text, next, error FROM `

const attemptJoins = ` CROSS JOIN name r ON r.id = route CROSS JOIN name o ON o.id = outcome CROSS JOIN name reason ON reason.id = reason
	CROSS JOIN name p ON p.id = process `

// queries are the prepared statements that read.
type queries struct{ summaries, attempts, detail *sql.Stmt }

func (q *queries) all() []statement {
	return []statement{
		{&q.summaries, `SELECT ` + summaryColumns + ` FROM json_each(?) j CROSS JOIN event e ON e.seq = j.value` + summaryJoins},
		{&q.attempts, attemptColumns + `json_each(?) j CROSS JOIN attempt a ON a.seq = j.value` + attemptJoins + `ORDER BY a.seq, n`},
		{&q.detail, `SELECT ` + summaryColumns + `, b.dictionary, b.data FROM event e` + summaryJoins + ` LEFT JOIN body b ON b.seq = e.seq WHERE e.seq = ?`},
	}
}

// timed returns attempts with the key of their event, and its time added to theirs.
func timed(k Key, attempts []Attempt) []Attempt {
	for i := range attempts {
		a := &attempts[i]
		since := a.Start.Sub(time.Time{})
		a.Key, a.Start = k, k.Time.Add(since)
		if !a.Next.IsZero() {
			a.Next = a.Start.Add(a.Next.Sub(time.Time{}))
		}
	}
	return attempts
}

func scanAttempts(found *sql.Rows) (all map[int64][]Attempt, err error) {
	defer found.Close()
	all = map[int64][]Attempt{}
	for found.Next() {
		var a Attempt
		var seq, start, duration, next int64
		if err := found.Scan(&seq, &a.Route, &a.Number, &start, &duration, &a.Outcome, &a.Reason, &a.Process, &next, &a.Error); err != nil {
			return nil, explain(err)
		}
		a.Start, a.Duration = time.Time{}.Add(time.Duration(start)*time.Millisecond), time.Duration(duration)*time.Microsecond
		if next != 0 {
			a.Next = time.Time{}.Add(time.Duration(next) * time.Millisecond)
		}
		all[seq] = append(all[seq], a)
	}
	return all, explain(found.Err())
}

// Event returns the event with a number, or ErrNotFound.
func (s *Store) Event(ctx context.Context, seq int64) (d Detail, err error) {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return d, explain(err)
	}
	defer func() { err = errors.Join(err, explain(ignoreDone(tx.Rollback()))) }()
	return s.detail(ctx, tx, seq)
}

func (s *Store) detail(ctx context.Context, tx *sql.Tx, seq int64) (d Detail, err error) {
	var dictionary sql.NullInt64
	var packed []byte
	d.Summary, err = scanSummary(tx.StmtContext(ctx, s.queries.detail).QueryRowContext(ctx, seq), &dictionary, &packed) //nolint:sqlclosecheck // the end of tx closes it
	if errors.Is(err, sql.ErrNoRows) {
		return d, fmt.Errorf("%w: %d", ErrNotFound, seq)
	}
	if err != nil {
		return d, explain(err)
	}
	if dictionary.Valid {
		if d.Header, d.Data, err = s.pack.unpack(dictionary.Int64, packed); err != nil {
			return d, err
		}
		d.Kept = len(d.Data) > 0 || d.Size == 0
	}
	attempts, err := s.attempts(ctx, tx, fmt.Sprintf("[%d]", seq))
	if err != nil {
		return d, err
	}
	d.Ended = timed(d.Key, attempts[seq])
	d.Routes = routeStates(d.Ended)
	slices.Reverse(d.Ended)
	return d, nil
}

func cursor(seq int64) string { return strconv.FormatInt(seq, 10) }

func parseCursor(text string) (int64, error) {
	seq, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seq < 0 {
		return 0, fmt.Errorf("%q is no cursor of a list of events: begin with the first page", text)
	}
	return seq, nil
}
