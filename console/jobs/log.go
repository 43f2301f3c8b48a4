package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Entry is an act of a person, in the log of who did what. It is written before the act, and is never changed.
type Entry struct {
	ID        int64     `json:"id"`
	At        time.Time `json:"at"`
	Who       string    `json:"who"`
	What      string    `json:"what"`                // the act: "job started", "route paused", "logged in"
	Subject   string    `json:"subject,omitempty"`   // the thing that is acted on, in words: a route, a file
	Selection string    `json:"selection,omitempty"` // the chosen events, in words
	Count     int       `json:"count,omitempty"`     // of the chosen events
	Why       string    `json:"why,omitempty"`       // the person's reason
	Job       int64     `json:"job,omitempty"`       // of the act on a job
	Result    string    `json:"result,omitempty"`    // "done", "refused: ..."; empty while the act goes on, and for a job, which has its own
	Ended     time.Time `json:"ended,omitzero"`      // time of the result
}

// LogPage selects a part of the log.
type LogPage struct {
	Before int64 // ID of the last entry of the page before; 0 for the first page
	Limit  int   // entries in the page, at least 1
}

// Log returns a page of the log, newest first.
func (j *Jobs) Log(ctx context.Context, p LogPage) ([]Entry, error) {
	if p.Limit < 1 {
		return nil, fmt.Errorf("a page of %d entries: the limit is at least 1", p.Limit)
	}
	rows, err := j.read.QueryContext(ctx, `SELECT a.id, a.at, who, what, subject, selection, count, why, job, coalesce(r.result, ''), coalesce(r.at, 0)
		FROM act a LEFT JOIN act_result r ON r.act = a.id WHERE ?1 = 0 OR a.id < ?1 ORDER BY a.id DESC LIMIT ?2`, p.Before, p.Limit)
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	defer rows.Close()
	entries := []Entry{} // not nil, which would be null in JSON
	for rows.Next() {
		var e Entry
		var at, ended int64
		if err := rows.Scan(&e.ID, &at, &e.Who, &e.What, &e.Subject, &e.Selection, &e.Count, &e.Why, &e.Job, &e.Result, &ended); err != nil {
			return nil, fmt.Errorf("read the log: %w", err)
		}
		e.At, e.Ended = moment(at), moment(ended)
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

// Note writes an act that is no job, before it is done, and returns the entry's ID. An act that ends at once has its Result already.
// Note sets ID and At.
func (j *Jobs) Note(ctx context.Context, e Entry) (id int64, err error) {
	err = j.change(ctx, func(tx *sql.Tx) error {
		id, err = j.note(ctx, tx, e)
		return err
	})
	return id, err
}

// NoteResult writes how the act of an entry ended. An entry has one result: a second one is an error.
func (j *Jobs) NoteResult(ctx context.Context, id int64, result string) error {
	return j.change(ctx, func(tx *sql.Tx) error { return j.noteResult(ctx, tx, id, result) })
}

func (j *Jobs) note(ctx context.Context, tx *sql.Tx, e Entry) (id int64, err error) {
	if e.Who == "" || e.What == "" {
		return 0, errors.New("an entry of the log needs who and what")
	}
	err = tx.QueryRowContext(ctx, `INSERT INTO act (at, who, what, subject, selection, count, why, job) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		j.now(), e.Who, e.What, e.Subject, e.Selection, e.Count, e.Why, e.Job).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("write who did what: %w", err)
	}
	if e.Result != "" {
		err = j.noteResult(ctx, tx, id, e.Result)
	}
	return id, err
}

func (j *Jobs) noteResult(ctx context.Context, tx *sql.Tx, id int64, result string) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO act_result (act, at, result) VALUES (?, ?, ?)`, id, j.now(), result); err != nil {
		return fmt.Errorf("write the result of act %d: %w", id, err)
	}
	return nil
}

// now returns the time in milliseconds since 1970.
func (j *Jobs) now() int64 { return j.parts.Now().UnixMilli() }

// moment returns a time of the database, where 0 is none.
func moment(millis int64) time.Time {
	if millis == 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis).UTC()
}

// millis is the reverse of moment.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
