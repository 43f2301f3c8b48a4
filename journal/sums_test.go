package journal_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hookline/hookline/journal"
)

func groups(t *testing.T, s *journal.Store, f journal.Filter) map[string]journal.Group {
	t.Helper()
	all, err := s.Groups(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]journal.Group{}
	for _, g := range all {
		named[g.Route+": "+g.Pattern] = g
	}
	return named
}

func TestFailuresAreGroupedByRouteAndError(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{})
	f := feedOf(t, s)
	var all []journal.Stored
	for n := range 10 {
		one := received(n, `{}`)
		all = append(all, one)
		f.batch([]journal.Stored{one}, []journal.Attempt{ended(one, "mail", 1, journal.Retried, fmt.Sprintf("item %d: connection refused", n))})
	}
	f.batch(nil, []journal.Attempt{ended(all[3], "mail", 2, journal.Dead, "item 3: connection refused"), ended(all[4], "mail", 2, journal.Done, "")})
	f.batch(nil, []journal.Attempt{ended(all[5], "mail", 2, journal.Retried, "the disk is full"), ended(all[6], "other", 1, journal.Dead, "item 6: connection refused")})
	got := groups(t, s, journal.Filter{})
	if len(got) != 3 {
		t.Fatalf("groups: %+v", got)
	}
	refused := got["mail: item : connection refused"]
	if refused.Failing != 7 || refused.Dead != 1 || refused.Joined != 10 || refused.Source != "alma" || refused.Action != "job_end" || refused.Reason != "unreachable" ||
		!refused.First.Equal(noon().Add(time.Second)) || !refused.Last.Equal(noon().Add(10*time.Second)) || refused.Growing {
		t.Errorf("refused: %+v", refused)
	}
	if full := got["mail: the disk is full"]; full.Failing != 1 || full.Joined != 1 || full.Sample != 6 || full.Error != "the disk is full" {
		t.Errorf("full: %+v", full)
	}
	expectList(t, s, journal.Filter{Pattern: refused.Pattern, Route: "mail"}, "event-9", "event-8", "event-7", "event-6", "event-3", "event-2", "event-1", "event-0")
	expectList(t, s, journal.Filter{Pattern: refused.Pattern, Route: "mail", State: journal.StateDead}, "event-3")
	expectList(t, s, journal.Filter{Pattern: "the disk is full"}, "event-5")
	for name, c := range map[string]struct {
		f    journal.Filter
		want int
	}{
		"route": {journal.Filter{Route: "other"}, 1}, "text": {journal.Filter{Text: "DISK"}, 1}, "state": {journal.Filter{State: journal.StateDead}, 2},
		"done": {journal.Filter{State: journal.StateDone}, 0}, "source": {journal.Filter{Source: "github"}, 0}, "before": {journal.Filter{To: noon()}, 0}, "since": {journal.Filter{From: noon()}, 3},
	} {
		if got := groups(t, s, c.f); len(got) != c.want {
			t.Errorf("%s: %+v, want %d", name, got, c.want)
		}
	}
	var repaired []journal.Attempt
	for _, one := range all {
		repaired = append(repaired, ended(one, "mail", 20, journal.Done, ""), ended(one, "other", 20, journal.Done, ""))
	}
	f.batch(nil, repaired)
	if got := groups(t, s, journal.Filter{}); len(got) != 0 {
		t.Errorf("after the repair: %+v", got)
	}
	expectJoined(t, s, "mail", refused.Pattern, 10, refused.Last)
	expectJoined(t, s, "mail", "", 11, noon().Add(10*time.Second))
	expectJoined(t, s, "mail", "another error", 0, time.Time{})
	expectJoined(t, s, "unknown", "", 0, time.Time{})
	now := received(11, `{}`)
	now.Event.Time = time.Now()
	f.batch([]journal.Stored{now}, []journal.Attempt{ended(now, "mail", 1, journal.Retried, "item 8: connection refused")})
	if g := groups(t, s, journal.Filter{})["mail: item : connection refused"]; !g.Growing || g.Failing != 1 || g.Joined != 11 {
		t.Errorf("a new failure: %+v", g)
	}
}

// expectJoined checks how many events have ever failed, which groups without an event tell no more.
func expectJoined(t *testing.T, s *journal.Store, route, pattern string, want int64, when time.Time) {
	t.Helper()
	if n, last, err := s.Joined(t.Context(), route, pattern); n != want || !last.Equal(when) || err != nil {
		t.Errorf("%s, %q: %d joined, the last at %v, %v; want %d at %v", route, pattern, n, last, err, want, when)
	}
}

func TestHoursCountEventsAndAttempts(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{})
	f := feedOf(t, s)
	for n := range 3 {
		one := received(n*2400, `{}`) // 40 minutes apart
		one.Unrouted = n == 2
		f.batch([]journal.Stored{one}, []journal.Attempt{ended(one, "mail", 1, journal.Done, "")})
	}
	hours, err := s.Hours(t.Context(), noon(), noon().Add(2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, h := range hours {
		got[fmt.Sprint(h.Start.Hour(), h.Source, h.Route, h.Outcome)] = h.Count
	}
	if len(got) != 4 || got["12almastored"] != 2 || got["12almamaildone"] != 2 || got["13almaunrouted"] != 1 || got["13almamaildone"] != 1 {
		t.Errorf("hours: %+v", hours)
	}
	if hours, err := s.Hours(t.Context(), noon().Add(time.Second), noon().Add(time.Hour)); err != nil || len(hours) != 0 {
		t.Errorf("no hour begins then: %+v, %v", hours, err)
	}
}

func TestGapsAreSeen(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{})
	for _, b := range []journal.Batch{
		{Process: "one", Number: 1, Stored: []journal.Stored{received(1, `{}`)}},
		{Process: "one", Number: 2, Stored: []journal.Stored{received(2, `{}`)}, Lost: 5},
		{Process: "one", Number: 3, Stored: []journal.Stored{received(3, `{}`)}, Lost: 6},
		{Process: "one", Number: 5, Stored: []journal.Stored{received(100, `{}`)}},
		{Process: "two", Number: 1, Stored: []journal.Stored{received(101, `{}`)}},
	} {
		if err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	expired := journal.Gap{From: noon(), To: noon().Add(time.Hour), Why: journal.GapExpired}
	if err := s.RecordGap(t.Context(), expired); err != nil {
		t.Fatal(err)
	}
	gaps, err := s.Gaps(t.Context())
	at := func(n int) time.Time { return noon().Add(time.Duration(n) * time.Second) }
	want := []journal.Gap{expired, {From: at(3), To: at(100), Why: journal.GapMissing, Process: "one"}, {From: at(1), To: at(3), Lost: 11, Why: journal.GapDropped, Process: "one"}}
	if err != nil || len(gaps) != len(want) {
		t.Fatalf("gaps: %+v, %v", gaps, err)
	}
	for i, g := range gaps {
		if g != want[i] {
			t.Errorf("gap %d: %+v, want %+v", i, g, want[i])
		}
	}
}
