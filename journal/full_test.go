package journal_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/hookline/hookline/journal"
)

func TestAFullDiskRefusesABatchAndTakesItLater(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{})
	if err := s.LimitPages(t.Context(), 60); err != nil {
		t.Fatal(err)
	}
	number, taken := int64(0), 0
	for {
		number++
		var many []journal.Stored
		for n := range 20 {
			many = append(many, received(int(number)*100+n, fmt.Sprintf(`{"word":"w%dw%d","text":%q}`, number, n, strings.Repeat("abc ", n))))
		}
		b := journal.Batch{Process: "one", Number: number, Stored: many}
		err := s.Append(t.Context(), b)
		if err == nil {
			taken += 20
			if number > 1000 {
				t.Fatal("the disk is never full")
			}
			continue
		}
		if !errors.Is(err, journal.ErrFull) || !strings.Contains(err.Error(), "free space") {
			t.Fatalf("full: %v", err)
		}
		if n := len(list(t, s, journal.Filter{})); n != taken {
			t.Errorf("%d events while full, %d were taken", n, taken)
		}
		if err := s.LimitPages(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if err := s.Append(t.Context(), b); err != nil {
			t.Fatalf("with space again: %v", err)
		}
		expectList(t, s, journal.Filter{Text: fmt.Sprintf("w%dw7", number)}, fmt.Sprintf("event-%d", number*100+7))
		return
	}
}

func TestListsAreReadWhileRecordsComeAndGo(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{MaxBytes: 1 << 20})
	f := feedOf(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for _, filter := range []journal.Filter{{}, {Text: "werthers"}, {Text: `"jungen werthers"`}, {Route: "mail"}, {State: journal.StateDead}} {
		wait.Go(func() {
			for ctx.Err() == nil {
				events, _, err := s.Events(ctx, filter, journal.Page{})
				if err != nil && ctx.Err() == nil {
					t.Errorf("%+v: %v", filter, err)
					return
				}
				for _, e := range events {
					if e.State == journal.StateDead && len(e.Routes) != 1 {
						t.Errorf("an event without its attempt: %+v", e)
					}
				}
			}
		})
	}
	for n := range 60 {
		var stored []journal.Stored
		var attempts []journal.Attempt
		for i := range 50 {
			one := received(n*50+i, `{"title":"Die Leiden des jungen Werthers"}`)
			stored, attempts = append(stored, one), append(attempts, ended(one, "mail", 1, []journal.Outcome{journal.Done, journal.Dead}[i%2], ""))
		}
		f.batch(stored, attempts)
		if n%20 == 19 {
			if _, err := s.Trim(t.Context(), noon()); err != nil {
				t.Fatal(err)
			}
		}
	}
	cancel()
	wait.Wait()
}

func TestABodyThatWasTooLargeIsLeftOut(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{})
	one := received(1, "")
	one.Event.Data, one.Omitted = nil, 5<<20
	feedOf(t, s).batch([]journal.Stored{one}, nil)
	if d, err := s.Event(t.Context(), 1); err != nil || d.Kept || d.Size != 5<<20 || d.Header["X-Trace"] != "trace-1" {
		t.Errorf("%+v: %v", d, err)
	}
}
