package journal_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/hookline/hookline/journal"
)

// FTS5 reads all entries of words with a begin before it returns one, so a word that everybody writes would take a second.
func TestTheBeginOfTooManyWordsIsAWholeWord(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{})
	f := feedOf(t, s)
	for n := range 12 {
		var many []journal.Stored
		for i := range 1000 {
			number := n*1000 + i
			many = append(many, received(number, fmt.Sprintf(`{"a":"common%08d common%08dx library%d","b":"library"}`, 7*number, 7*number, i%3)))
		}
		f.batch(many, nil)
	}
	newest := func(text string) (string, error) {
		events, _, err := s.Events(t.Context(), journal.Filter{Text: text}, journal.Page{Limit: 1})
		if err != nil || len(events) == 0 {
			return "", err
		}
		return events[0].Key.ID, nil
	}
	for text, want := range map[string]string{"library": "event-11999", "common": "", "common0008399": "event-11999", "common00083993": "event-11999"} {
		if got, err := newest(text); err != nil || got != want {
			t.Errorf("%s: %q, want %q: %v", text, got, want, err)
		}
	}
	if _, err := newest("common*"); !errors.Is(err, journal.ErrBroad) {
		t.Errorf("common*: %v", err)
	}
}
