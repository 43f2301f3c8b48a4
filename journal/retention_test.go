package journal_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
)

func TestOldEventsAreRemoved(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{Keep: time.Hour, Sources: map[string]journal.SourceConfig{"github": {Keep: time.Minute}}})
	f := feedOf(t, s)
	for n := range 250 {
		one := received(n*10, `{"word":"werthers"}`)
		if n%5 == 0 {
			one.Event.Source = "github"
		}
		f.batch([]journal.Stored{one}, []journal.Attempt{ended(one, "mail", 1, journal.Dead, "gone")})
	}
	now := noon().Add(time.Hour + 20*time.Minute) // 120 events are older than an hour, and all of github than a minute
	removed, err := s.Trim(t.Context(), now)
	if want := 120 + 26; err != nil || removed != want {
		t.Fatalf("removed %d, want %d: %v", removed, want, err)
	}
	if left := list(t, s, journal.Filter{}); len(left) != 104 || left[103] != "event-1210" {
		t.Errorf("%d left, the oldest is %s", len(left), left[len(left)-1])
	}
	if left := list(t, s, journal.Filter{Text: "werthers", Route: "mail"}); len(left) != 104 {
		t.Errorf("%d are found", len(left))
	}
	total := int64(0)
	for _, g := range groups(t, s, journal.Filter{}) {
		total += g.Dead
	}
	if total != 104 {
		t.Errorf("%d dead in groups", total)
	}
	if removed, err := s.Trim(t.Context(), now); err != nil || removed != 0 {
		t.Errorf("again: %d, %v", removed, err)
	}
}

func TestTheFileKeepsItsSize(t *testing.T) {
	t.Parallel()
	const limit = 2 << 20
	s := open(t, journal.Config{MaxBytes: limit})
	f := feedOf(t, s)
	random := rand.NewChaCha8([32]byte{})
	noise := make([]byte, 10_000)
	for n := range 600 {
		_, _ = random.Read(noise)
		f.batch([]journal.Stored{received(n, string(noise))}, nil)
		if n%100 == 99 {
			if _, err := s.Trim(t.Context(), noon()); err != nil {
				t.Fatal(err)
			}
			if used, err := s.Bytes(t.Context()); err != nil || used > limit {
				t.Fatalf("%d bytes: %v", used, err)
			}
		}
	}
	if left := list(t, s, journal.Filter{}); len(left) == 0 || left[0] != "event-599" {
		t.Errorf("left: %q", left)
	}
}

// mention finds a text, as a pkg/privacy.Mention does.
type mention string

func (m mention) In(e event.Event) bool   { return m.InText(string(e.Data)) || m.InText(e.ID) }
func (m mention) InText(text string) bool { return strings.Contains(strings.ToLower(text), string(m)) }

// The word is in bodies, in errors, in the full-text index, and, because many bodies have it, in the dictionary.
func TestNothingOfErasedEventsStaysInTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, journal.Config{Dir: dir})
	f := feedOf(t, s)
	var stored []journal.Stored
	var attempts []journal.Attempt
	for n := range 3000 {
		word := fmt.Sprint("other", n)
		if n%10 == 0 {
			word = "janeroe"
		}
		stored = append(stored, received(n, fmt.Sprintf(`{"person":{"primary_id":%q,"kind":"student"},"title":"a title with the number %d"}`, word, n)))
		if n == 17 {
			attempts = append(attempts, ended(stored[n], "mail", 1, journal.Dead, "no such user: JaneRoe"))
		}
		if n%100 == 99 {
			f.batch(stored[n-99:], attempts)
			attempts = nil
		}
	}
	expectList(t, s, journal.Filter{Text: "janeroe user"}, "event-17")
	requests := []journal.Rejected{{Source: "alma", Time: time.Now(), Body: []byte("a janeroe")}, {Source: "alma", Time: time.Now(), Body: []byte("a john")}}
	if err := s.Append(t.Context(), journal.Batch{Process: "two", Number: 1, Rejected: requests}); err != nil {
		t.Fatal(err)
	}
	if places := rawPlaces(t, dir, "janeroe"); len(places) == 0 {
		t.Fatal("the files have no such text before")
	}
	removed, err := s.Erase(t.Context(), mention("janeroe"))
	if err != nil || removed != 302 {
		t.Fatalf("removed %d: %v", removed, err)
	}
	if places := rawPlaces(t, dir, "janeroe"); len(places) != 0 {
		t.Errorf("the text is still in %q", places)
	}
	expectList(t, s, journal.Filter{Text: "janeroe"})
	if kept, err := s.RejectedRequests(t.Context(), journal.RejectedFilter{}, 0, 10); err != nil || len(kept) != 1 {
		t.Errorf("rejected requests are left: %+v, %v", kept, err)
	}
	if left := list(t, s, journal.Filter{}); len(left) != 2699 {
		t.Errorf("%d events are left", len(left))
	}
	visited := 0
	if err := s.Each(t.Context(), journal.Filter{Text: "title"}, func(d journal.Detail) bool { visited++; return strings.Contains(string(d.Data), "primary_id") }); err != nil || visited != 2699 {
		t.Errorf("visited %d: %v", visited, err)
	}
	if again, err := s.Erase(t.Context(), mention("janeroe")); err != nil || again != 0 {
		t.Errorf("again: %d, %v", again, err)
	}
	f.batch([]journal.Stored{received(4000, `{"a":"new"}`)}, nil)
	expectList(t, s, journal.Filter{Text: "new"}, "event-4000")
}

// rawPlaces returns the files that have a text in upper or lower case.
func rawPlaces(t *testing.T, dir, text string) (places []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(bytes.ToLower(content), []byte(text)); at >= 0 {
			places = append(places, fmt.Sprintf("%s at %d: %q", e.Name(), at, content[max(0, at-20):min(len(content), at+30)]))
		}
	}
	return places
}
