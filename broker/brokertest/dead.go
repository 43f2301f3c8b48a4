package brokertest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
)

func deadLetters() []promise {
	return []promise{
		{"giving up keeps the event with route, reason, attempts, first and last error", diesWithItsStory},
		{"giving up at the first attempt keeps one error, cut to its limit", diesAtOnce},
		{"a dead letter is not delivered again", staysDead},
		{"looking changes nothing, however often", looksWithoutTouching},
		{"hundreds of dead letters are seen once each, oldest first", seesAllInOrder},
		{"looking stops when told, and sees its own route only", looksNoFurther},
		{"Replay puts back as new while a consumer runs", replaysAsNew},
		{"Replay takes what pick chooses", replaysWhatIsPicked},
		{"Discard removes what pick chooses, for good", discardsWhatIsPicked},
	}
}

// bury gives up on the events, one after the other.
func bury(t *testing.T, line Broker, r broker.Route, n int) {
	t.Helper()
	c := start(t, line, r)
	for _, e := range series(n) {
		publish(t, line, e)
		c.next(t).answer(broker.GiveUp("permanent", errors.New("no such loan")))
	}
	c.stop(t)
	expectWaiting(t, line, broker.RoleDead, r.Name, n)
}

// look returns all dead letters of a route.
func look(t *testing.T, line Broker, route string) []broker.DeadLetter {
	t.Helper()
	var seen []broker.DeadLetter
	err := line.Dead(patient(t), route, func(d broker.DeadLetter) bool {
		seen = append(seen, d)
		return true
	})
	if err != nil {
		t.Fatalf("dead letters of %s: %v", route, err)
	}
	return seen
}

func ids(letters []broker.DeadLetter) []string {
	var ids []string
	for _, d := range letters {
		ids = append(ids, d.Event.ID)
	}
	return ids
}

// odd picks the letters of series with odd numbers.
func odd(d broker.DeadLetter) bool { return strings.ContainsAny(d.Event.ID, "13579") }

func diesWithItsStory(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	e := newEvent("1", "alma", "job_end")
	e.Data = []byte{0, 255, 10}
	before := time.Now().Add(-time.Minute)
	publish(t, line, e)
	c := start(t, line, r)
	c.next(t).answer(broker.Retry(0, "timeout", errors.New("the first: \n\x01 é")))
	c.next(t).answer(broker.Retry(0, "error", errors.New("the second")))
	c.next(t).answer(broker.GiveUp("error", errors.New("the last")))
	expectWaiting(t, line, broker.RoleDead, r.Name, 1)
	seen := look(t, line, r.Name)
	if len(seen) != 1 {
		t.Fatalf("%d dead letters, want 1", len(seen))
	}
	d := seen[0]
	expectEvent(t, d.Event, e)
	if d.Route != r.Name || d.Reason != "error" || d.Attempts != 3 || d.FirstError != "the first: \n\x01 é" || d.LastError != "the last" {
		t.Errorf("dead letter %+v", d)
	}
	if d.Died.Before(before) || d.Died.After(time.Now().Add(time.Minute)) {
		t.Errorf("died %v", d.Died)
	}
}

func diesAtOnce(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	publish(t, line, series(2)...)
	long := errors.New(strings.Repeat("long ", 1000))
	c := start(t, line, r)
	c.next(t).answer(broker.GiveUp("permanent", long))
	c.next(t).answer(broker.GiveUp("permanent", nil))
	expectWaiting(t, line, broker.RoleDead, r.Name, 2)
	for i, d := range look(t, line, r.Name) {
		want := []string{broker.ErrorText(long), ""}[i]
		if d.Attempts != 1 || d.FirstError != want || d.LastError != want || d.Reason != "permanent" {
			t.Errorf("dead letter %d: %d attempts, reason %q, errors of %d and %d bytes", i, d.Attempts, d.Reason, len(d.FirstError), len(d.LastError))
		}
	}
}

func staysDead(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	bury(t, line, r, 1)
	publish(t, line, newEvent("after", "alma", "job_end"))
	expectIDs(t, drain(t, line, r, 1), "after")
	expectWaiting(t, line, broker.RoleDead, r.Name, 1)
}

func looksWithoutTouching(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	bury(t, line, r, 3)
	first := look(t, line, r.Name)
	if len(first) != 3 {
		t.Fatalf("%d dead letters, want 3", len(first))
	}
	// More often than any limit on deliveries that a broker has by default.
	for i := range 25 {
		if again := look(t, line, r.Name); !reflect.DeepEqual(again, first) {
			t.Fatalf("look %d: %+v, at first %+v", i+2, again, first)
		}
	}
	expectWaiting(t, line, broker.RoleDead, r.Name, 3)
	expectWaiting(t, line, broker.RoleWork, r.Name, 0)
}

func seesAllInOrder(t *testing.T, open Open) {
	const n = 300
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	bury(t, line, r, n)
	seen := look(t, line, r.Name)
	if len(seen) != n {
		t.Fatalf("%d dead letters, want %d", len(seen), n)
	}
	for i, d := range seen {
		if d.Event.ID != fmt.Sprint(i) {
			t.Fatalf("place %d has event %s", i, d.Event.ID)
		}
	}
}

func looksNoFurther(t *testing.T, open Open) {
	r, other := route("archive", "#"), route("other", "alma.#")
	line := open(t, []broker.Route{r, other})
	bury(t, line, r, 3)
	calls := 0
	err := line.Dead(patient(t), r.Name, func(broker.DeadLetter) bool {
		calls++
		return calls < 2
	})
	if err != nil || calls != 2 {
		t.Errorf("see was called %d times, want 2: %v", calls, err)
	}
	if seen := look(t, line, other.Name); len(seen) > 0 {
		t.Errorf("the other route has %d dead letters", len(seen))
	}
	if seen := look(t, line, r.Name); len(seen) != 3 {
		t.Errorf("%d dead letters after the look, want 3", len(seen))
	}
}

func replaysAsNew(t *testing.T, open Open) {
	r, other := route("archive", "#"), route("other", "alma.#")
	line := open(t, []broker.Route{r, other})
	e := newEvent("1", "alma", "job_end")
	publish(t, line, e)
	drain(t, line, other, 1)
	c := start(t, line, r)
	c.next(t).answer(broker.Retry(0, "error", errors.New("once")))
	c.next(t).answer(broker.GiveUp("error", errors.New("twice")))
	expectWaiting(t, line, broker.RoleDead, r.Name, 1)
	n, err := line.Replay(patient(t), r.Name, func(broker.DeadLetter) bool { return true })
	if n != 1 || err != nil {
		t.Fatalf("replayed %d, %v", n, err)
	}
	h := c.next(t)
	if h.Attempt != 1 {
		t.Errorf("attempt %d after the replay, want 1", h.Attempt)
	}
	expectEvent(t, h.Event, e)
	expectWaiting(t, line, broker.RoleDead, r.Name, 0)
	h.answer(broker.GiveUp("permanent", errors.New("anew")))
	expectWaiting(t, line, broker.RoleDead, r.Name, 1)
	for _, d := range look(t, line, r.Name) {
		if d.Attempts != 1 || d.FirstError != "anew" || d.LastError != "anew" || d.Reason != "permanent" {
			t.Errorf("the second death remembers the first: %+v", d)
		}
		expectEvent(t, d.Event, e)
	}
	expectWaiting(t, line, broker.RoleWork, other.Name, 0)
}

func replaysWhatIsPicked(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	bury(t, line, r, 5)
	if n, err := line.Replay(patient(t), r.Name, func(broker.DeadLetter) bool { return false }); n != 0 || err != nil {
		t.Errorf("replayed %d of none, %v", n, err)
	}
	if n, err := line.Replay(patient(t), r.Name, odd); n != 2 || err != nil {
		t.Errorf("replayed %d of 2, %v", n, err)
	}
	expectIDs(t, drain(t, line, r, 2), "1", "3")
	left := ids(look(t, line, r.Name))
	if slices.Sort(left); !slices.Equal(left, []string{"0", "2", "4"}) {
		t.Errorf("dead letters %q are left", left)
	}
}

func discardsWhatIsPicked(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	bury(t, line, r, 5)
	if n, err := line.Discard(patient(t), r.Name, odd); n != 2 || err != nil {
		t.Errorf("discarded %d of 2, %v", n, err)
	}
	left := ids(look(t, line, r.Name))
	if slices.Sort(left); !slices.Equal(left, []string{"0", "2", "4"}) {
		t.Errorf("dead letters %q are left", left)
	}
	if n, err := line.Replay(patient(t), r.Name, odd); n != 0 || err != nil {
		t.Errorf("replayed %d discarded letters, %v", n, err)
	}
	expectWaiting(t, line, broker.RoleWork, r.Name, 0)
	expectWaiting(t, line, broker.RoleDead, r.Name, 3)
}
