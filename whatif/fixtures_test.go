package whatif_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/whatif"
)

const line = `{"specversion":"1.0","id":"1","source":"alma","type":"a","time":"2026-01-02T03:04:05Z","data_base64":"AAD/"}`

func read(t *testing.T, text string, since time.Time) (all []event.Event, err error) {
	t.Helper()
	err = whatif.NewFixtures("f", strings.NewReader(text)).Each(t.Context(), since, func(e event.Event) bool {
		all = append(all, e)
		return true
	})
	return all, err
}

func TestFixturesAreReadLineByLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 0, "\n\n": 0, line: 1, line + "\n": 1, line + "\r\n\n" + line: 2} {
		all, err := read(t, text, time.Time{})
		if err != nil || len(all) != want {
			t.Errorf("%q: %d events, %v", text, len(all), err)
		}
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for since, want := range map[time.Time]int{at: 1, at.Add(time.Second): 0} {
		if all, err := read(t, line, since); err != nil || len(all) != want {
			t.Errorf("since %v: %d events, %v", since, len(all), err)
		}
	}
}

func TestAWrongLineIsNamed(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{"no JSON", `{"id":"1"}`, "[" + line + "]", line + line} {
		if _, err := read(t, line+"\n"+wrong+"\n", time.Time{}); err == nil || !strings.Contains(err.Error(), "f:2: not an event") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

// FuzzFixtures checks that every event that can be read is the same after it was written again.
func FuzzFixtures(f *testing.F) {
	f.Add(line)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := read(t, text, time.Time{})
		if err != nil {
			return
		}
		for _, e := range all {
			out, err := json.Marshal(e)
			if err != nil {
				continue // a year beyond 9999
			}
			again, err := read(t, string(out), time.Time{})
			if err != nil || len(again) != 1 || again[0].ID != e.ID || !bytes.Equal(again[0].Data, e.Data) {
				t.Errorf("%s: %+v, %v", out, again, err)
			}
		}
	})
}
