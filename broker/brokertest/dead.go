package brokertest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
)

func deadLetters() []promise {
	return []promise{
		{"giving up keeps the event with route, reason, attempts, first and last error", keepsAttempts},
		{"giving up at the first attempt keeps one error, cut to its limit", keepsOneError},
		{"giving up tells when the dead letter is stored", tellsWhenStored},
		{"a dead letter is not delivered again", staysDead},
		{"List returns the dead letters of its own route only", listsOneRoute},
		{"Replay puts back as new while a consumer runs", replaysAsNew},
		{"Replay takes the picked dead letters", replaysPicked},
		{"Discard removes the picked dead letters for good", discardsPicked},
	}
}

// odd picks the events of series with odd numbers.
func odd(u broker.UndeliveredEvent) bool { return strings.ContainsAny(u.Event.ID, "13579") }

func keepsAttempts(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	e := newEvent("1", "alma", "job_end")
	e.Data = []byte{0, 255, 10}
	before := time.Now().Add(-time.Minute)
	publish(t, b, e)
	c := start(t, b, r)
	c.next(t).answer(broker.Retry(0, "timeout", errors.New("the first: \n\x01 é")))
	c.next(t).answer(broker.Retry(0, "error", errors.New("the second")))
	c.next(t).answer(broker.GiveUp("error", errors.New("the last")))
	expectWaiting(t, b, broker.RoleDead, r.Name, 1)
	listed := list(t, b, r.Name, 10)
	if len(listed) != 1 {
		t.Fatalf("%d dead letters, want 1", len(listed))
	}
	d := listed[0]
	expectEvent(t, d.Event, e)
	if d.Route != r.Name || d.Reason != "error" || d.Attempts != 3 || d.FirstError != "the first: \n\x01 é" || d.LastError != "the last" {
		t.Errorf("dead letter %+v", d)
	}
	if d.Died.Before(before) || d.Died.After(time.Now().Add(time.Minute)) {
		t.Errorf("died %v", d.Died)
	}
}

func tellsWhenStored(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	publish(t, b, newEvent("1", "alma", "job_end"))
	stored := make(chan error, 10)
	o := broker.GiveUp("error", errors.New("gone"))
	o.Settled = func(refused error) { stored <- refused }
	c := start(t, b, r)
	c.next(t).answer(o)
	select {
	case refused := <-stored:
		if refused != nil {
			t.Errorf("refused: %v", refused)
		}
	case <-patient(t).Done():
		t.Fatal("nothing was told")
	}
	expectWaiting(t, b, broker.RoleDead, r.Name, 1)
	c.stop(t)
	if n := len(stored); n > 0 {
		t.Errorf("told %d times more", n)
	}
}

func keepsOneError(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	publish(t, b, series(2)...)
	long := errors.New(strings.Repeat("long ", 1000))
	c := start(t, b, r)
	c.next(t).answer(broker.GiveUp("permanent", long))
	c.next(t).answer(broker.GiveUp("permanent", nil))
	expectWaiting(t, b, broker.RoleDead, r.Name, 2)
	for i, d := range list(t, b, r.Name, 10) {
		want := []string{broker.ErrorText(long), ""}[i]
		if d.Attempts != 1 || d.FirstError != want || d.LastError != want || d.Reason != "permanent" {
			t.Errorf("dead letter %d: %d attempts, reason %q, errors of %d and %d bytes", i, d.Attempts, d.Reason, len(d.FirstError), len(d.LastError))
		}
	}
}

func staysDead(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	bury(t, b, r, series(1))
	publish(t, b, newEvent("after", "alma", "job_end"))
	expectIDs(t, drain(t, b, r, 1), "after")
	expectWaiting(t, b, broker.RoleDead, r.Name, 1)
}

func listsOneRoute(t *testing.T, open Open) {
	r, other := route("archive", "#"), route("other", "alma.#")
	b := open(t, []broker.Route{r, other})
	bury(t, b, r, series(3))
	if listed := list(t, b, other.Name, 10); len(listed) > 0 {
		t.Errorf("the other route has %d dead letters", len(listed))
	}
	if listed := list(t, b, r.Name, 10); len(listed) != 3 {
		t.Errorf("%d dead letters, want 3", len(listed))
	}
}

func replaysAsNew(t *testing.T, open Open) {
	r, other := route("archive", "#"), route("other", "alma.#")
	b := open(t, []broker.Route{r, other})
	e := newEvent("1", "alma", "job_end")
	publish(t, b, e)
	drain(t, b, other, 1)
	c := start(t, b, r)
	c.next(t).answer(broker.Retry(0, "error", errors.New("once")))
	c.next(t).answer(broker.GiveUp("error", errors.New("twice")))
	expectWaiting(t, b, broker.RoleDead, r.Name, 1)
	replay(t, b, r.Name, every, 1)
	h := c.next(t)
	if h.Attempt != 1 {
		t.Errorf("attempt %d after the replay, want 1", h.Attempt)
	}
	expectEvent(t, h.Event, e)
	expectWaiting(t, b, broker.RoleDead, r.Name, 0)
	h.answer(broker.GiveUp("permanent", errors.New("anew")))
	expectWaiting(t, b, broker.RoleDead, r.Name, 1)
	for _, d := range list(t, b, r.Name, 10) {
		if d.Attempts != 1 || d.FirstError != "anew" || d.LastError != "anew" || d.Reason != "permanent" {
			t.Errorf("the second death has errors of the first: %+v", d)
		}
		expectEvent(t, d.Event, e)
	}
	expectWaiting(t, b, broker.RoleWork, other.Name, 0)
}

func replaysPicked(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	bury(t, b, r, series(5))
	replay(t, b, r.Name, oneOf(), 0)
	replay(t, b, r.Name, odd, 2)
	expectIDs(t, drain(t, b, r, 2), "1", "3")
	if rest := ids(list(t, b, r.Name, 10)); !slices.Equal(rest, []string{"0", "2", "4"}) {
		t.Errorf("then the dead letters are %q", rest)
	}
}

func discardsPicked(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	bury(t, b, r, series(5))
	discard(t, b, r.Name, odd, 2)
	if rest := ids(list(t, b, r.Name, 10)); !slices.Equal(rest, []string{"0", "2", "4"}) {
		t.Errorf("then the dead letters are %q", rest)
	}
	replay(t, b, r.Name, odd, 0)
	expectWaiting(t, b, broker.RoleWork, r.Name, 0)
	expectWaiting(t, b, broker.RoleDead, r.Name, 3)
}
