package journal

import (
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/hookline/hookline/pkg/errorpattern"
)

const minute = int64(time.Minute / time.Millisecond)

// transaction applies the records of a batch, event by event.
type transaction struct {
	*writer
	events   map[Key]*entry
	order    []*entry
	minutes  map[int64][2]int64 // first and last number of the events of a minute
	hours    map[hourKey]hourCount
	failures map[failureKey]*failureChange
}

func newTransaction(w *writer) *transaction {
	return &transaction{writer: w, events: map[Key]*entry{}, minutes: map[int64][2]int64{}, hours: map[hourKey]hourCount{}, failures: map[failureKey]*failureChange{}}
}

// entry is an event in a transaction: its row as it was, and its records.
type entry struct {
	key    Key
	stored *Stored
	ended  []Attempt

	seq            int64
	source, action int64
	isNew          bool
	size           int64 // -1: its record is not known yet
	state          State
	before         []Attempt // the attempts that were stored before
}

func (t *transaction) apply(b Batch) error {
	for i := range b.Stored {
		e := t.entry(KeyOf(b.Stored[i].Event))
		if e.stored == nil {
			e.stored = &b.Stored[i]
		}
	}
	for _, a := range b.Ended {
		e := t.entry(a.Key)
		e.ended = append(e.ended, a)
	}
	for _, e := range t.order {
		if err := t.applyEvent(e); err != nil {
			return err
		}
	}
	if err := t.keepRejected(b.Rejected); err != nil {
		return err
	}
	return t.sum()
}

// sum writes the sums that changed.
func (t *transaction) sum() error {
	for at, seqs := range t.minutes {
		if _, err := exec(t.sql.minute, at, seqs[0], seqs[1]); err != nil {
			return err
		}
	}
	for k, c := range t.hours {
		if _, err := exec(t.sql.hour, k.hour, k.source, k.route, k.outcome, c.n, c.last); err != nil {
			return err
		}
	}
	for k, c := range t.failures {
		if err := t.writeFailure(k, c); err != nil {
			return err
		}
	}
	return nil
}

// entry returns the entry of an event, whose time counts in milliseconds.
func (t *transaction) entry(k Key) *entry {
	k.Time = time.UnixMilli(k.Time.UnixMilli()).UTC()
	if e := t.events[k]; e != nil {
		return e
	}
	e := &entry{key: k}
	t.events[k] = e
	t.order = append(t.order, e)
	return e
}

func (t *transaction) applyEvent(e *entry) error {
	if err := t.find(e); err != nil {
		return err
	}
	if e.stored != nil && e.size >= 0 {
		e.stored = nil // it is known already
	}
	if e.stored == nil && len(e.ended) == 0 {
		return nil
	}
	attempts := slices.Concat(e.before, e.ended)
	now := routeStates(attempts)
	unrouted := e.state == StateUnrouted && len(e.before) == 0 || e.stored != nil && e.stored.Unrouted
	state := eventState(unrouted, now)
	if err := t.writeEvent(e, state, len(attempts)); err != nil {
		return err
	}
	for i, a := range e.ended {
		if err := t.writeAttempt(e, len(e.before)+i, a); err != nil {
			return err
		}
	}
	for _, r := range now {
		if err := t.writeDelivery(e, r); err != nil {
			return err
		}
	}
	return t.index(e, attempts)
}

// find reads the row of an event, and its attempts.
func (t *transaction) find(e *entry) (err error) {
	if e.source, err = t.names.id(e.key.Source); err != nil {
		return err
	}
	if e.action, err = t.names.id(e.key.Action); err != nil {
		return err
	}
	var state, attempts int
	err = queryRow(t.sql.findEvent, e.key.Time.UnixMilli(), e.key.ID, e.source, e.action).Scan(&e.seq, &state, &attempts, &e.size)
	if errors.Is(err, sql.ErrNoRows) {
		t.seq++
		e.seq, e.isNew, e.size, e.state = t.seq, true, -1, StateWaiting
		return nil
	}
	if err != nil {
		return err
	}
	e.state = stateOf(state)
	if attempts > 0 {
		found, err := queryRows(t.sql.attempts, e.seq)
		if err != nil {
			return err
		}
		all, err := scanAttempts(found)
		if err != nil {
			return err
		}
		e.before = timed(e.key, all[e.seq])
	}
	return nil
}

func (t *transaction) writeEvent(e *entry, state State, attempts int) error {
	size, contentType, secret, process := e.size, int64(0), int64(0), int64(0)
	if e.stored != nil {
		size = max(int64(len(e.stored.Event.Data)), e.stored.Omitted)
		for _, n := range []struct {
			id   *int64
			text string
		}{{&contentType, e.stored.Event.ContentType}, {&secret, e.stored.Secret}, {&process, e.stored.Process}} {
			var err error
			if *n.id, err = t.names.id(n.text); err != nil {
				return err
			}
		}
	}
	var err error
	if e.isNew {
		at := e.key.Time.UnixMilli()
		t.see(at/minute, e.seq)
		_, err = exec(t.sql.addEvent, e.seq, e.key.ID, e.source, e.action, at, state.number(), attempts, size, contentType, secret, process)
	} else {
		if state != e.state || len(e.ended) > 0 {
			_, err = exec(t.sql.setEvent, state.number(), attempts, e.seq)
		}
		if err == nil && e.stored != nil {
			_, err = exec(t.sql.fillEvent, size, contentType, secret, process, e.seq)
		}
	}
	if err == nil && e.stored != nil {
		err = t.count(hourKey{e.key.Time.UnixMilli() / hour, e.source, 0, 0}, storedAs(e.stored.Unrouted), e.key.Time)
	}
	if err != nil || e.stored == nil || t.cfg.Sources[e.key.Source].NoBodies {
		return err
	}
	dictionary, packed, err := t.pack.pack(e.stored.Event.Header, e.stored.Event.Data)
	if err == nil {
		_, err = exec(t.sql.addBody, e.seq, dictionary, packed)
	}
	return err
}

// see notes the number of an event of a minute.
func (t *transaction) see(at, seq int64) {
	seqs, ok := t.minutes[at]
	if !ok {
		seqs[0] = seq
	}
	t.minutes[at] = [2]int64{min(seqs[0], seq), max(seqs[1], seq)}
}

func (t *transaction) writeAttempt(e *entry, n int, a Attempt) error {
	var ids [4]int64
	for i, text := range []string{a.Route, string(a.Outcome), a.Reason, a.Process} {
		var err error
		if ids[i], err = t.names.id(text); err != nil {
			return err
		}
	}
	start := a.Start.UnixMilli()
	next := int64(0)
	if !a.Next.IsZero() {
		next = a.Next.UnixMilli() - start
	}
	if err := t.count(hourKey{start / hour, e.source, ids[0], 0}, string(a.Outcome), a.Start); err != nil {
		return err
	}
	_, err := exec(t.sql.addAttempt, e.seq, n, ids[0], a.Number, start-e.key.Time.UnixMilli(), a.Duration.Microseconds(), ids[1], ids[2], ids[3], next, a.Error)
	return err
}

// index indexes an event that is new, or that has an error of a new kind.
func (t *transaction) index(e *entry, attempts []Attempt) error {
	errorsNow := errorText(attempts)
	if !e.isNew && e.stored == nil && errorsNow == errorText(e.before) {
		return nil
	}
	body := ""
	switch {
	case t.cfg.Sources[e.key.Source].NoBodies:
	case e.stored != nil:
		body = bodyText(e.stored.Event.Data)
	case e.size > 0:
		var dictionary int64
		var packed []byte
		if err := queryRow(t.sql.body, e.seq).Scan(&dictionary, &packed); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if packed != nil {
			_, data, err := t.pack.unpack(dictionary, packed)
			if err != nil {
				return err
			}
			body = bodyText(data)
		}
	}
	_, err := exec(t.sql.index, e.seq, e.key.ID, keyText(e.key), body, errorsNow)
	return err
}

func keyText(k Key) string {
	return strings.Join([]string{k.Source, k.Action, exactWord("source", k.Source), exactWord("action", k.Action)}, " ")
}

// errorText returns the errors of attempts with their routes and reasons, without those that are alike.
func errorText(attempts []Attempt) string {
	var seen []string
	var out strings.Builder
	for _, a := range attempts {
		if a.Error == "" && a.Reason == "" || a.Outcome == Requeued {
			continue
		}
		pattern := a.Route + "\x00" + errorpattern.Of(a.Error)
		if slices.Contains(seen, pattern) {
			continue
		}
		seen = append(seen, pattern)
		addWords(&out, a.Route+" "+a.Reason)
		if out.Len() < maxErrors {
			addWords(&out, a.Error[:min(len(a.Error), maxErrors)])
		}
	}
	if out.Len() > 0 {
		addWords(&out, failedMark)
	}
	return strings.ToValidUTF8(out.String(), " ")
}
