package broker_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

func matches(pattern, key string) bool {
	return broker.NewMatcher([]broker.Route{{Name: "r", Match: []string{pattern}}}).Match(key) != nil
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, key string
		want         bool
	}{
		{"#", "alma.job_end", true},
		{"alma.job_end", "alma.job_end", true},
		{"alma.*", "alma.job_end", true},
		{"alma.*", "alma.loan.loan_created", false},
		{"alma.loan.#", "alma.loan", true},
		{"alma.loan.#", "alma.loan.loan_created", true},
		{"*.job_end", "alma.job_end", true},
		{"#.c", "a.b.c", true},
		{"#.b.#.d", "a.b.c.b.d", true},
		{"a.#.#", "a", true},
		{"*", "a.b", false},
		{"a.*.#", "a", false},
		{"c", "a.b.c", false},
		{"b", "a.b", false},
	} {
		if got := matches(c.pattern, c.key); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.key, got)
		}
	}
}

func TestEachMatchingRouteIsNamedOnceInOrder(t *testing.T) {
	m := broker.NewMatcher([]broker.Route{
		{Name: "z", Match: []string{"alma.#", "#", "alma.loan.*"}}, {Name: "other", Match: []string{"alma.loan.loan_returned"}},
		{Name: "a", Match: []string{"*.loan.#"}}, {Name: "m", Match: []string{"alma.loan.loan_created"}},
	})
	if got := m.Match("alma.loan.loan_created"); !slices.Equal(got, []string{"z", "a", "m"}) {
		t.Error(got)
	}
}

// FuzzMatch holds a Matcher against a regular expression that says the same. Another pattern in the tree changes nothing.
func FuzzMatch(f *testing.F) {
	f.Add("a.#.*", "a.b.c")
	f.Add("#.#.b", "b.b.b")
	f.Fuzz(func(t *testing.T, pattern, key string) {
		if broker.CheckPattern(pattern) != nil || broker.CheckPattern(key) != nil || strings.ContainsAny(key, "*#") || strings.Count(pattern, "#") > 6 {
			return
		}
		expr := ""
		for word := range strings.SplitSeq(pattern, ".") {
			switch word {
			case "*":
				expr += `\.[^.]+`
			case "#":
				expr += `(\.[^.]+)*`
			default:
				expr += `\.` + word
			}
		}
		want := regexp.MustCompile("^" + expr + "$").MatchString("." + key)
		beside := broker.NewMatcher([]broker.Route{{Name: "beside", Match: []string{"a.#.b", "*.b"}}, {Name: "it", Match: []string{pattern}}})
		if matches(pattern, key) != want || slices.Contains(beside.Match(key), "it") != want {
			t.Fatalf("%q matches %q: %v", pattern, key, !want)
		}
	})
}

func TestCheckPattern(t *testing.T) {
	for _, bad := range []string{"", ".", "a..b", "A.b", "alma.job end", "al*ma", strings.Repeat("a", event.MaxKey+1)} {
		if broker.CheckPattern(bad) == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	for _, good := range []string{"a.*.#", strings.Repeat("a", event.MaxKey)} {
		if err := broker.CheckPattern(good); err != nil {
			t.Error(err)
		}
	}
}

func TestRouteCheckNamesEverything(t *testing.T) {
	err := broker.Route{Name: "Bad", Match: []string{"a", "B", "c..d"}}.Check()
	if n := len(strings.Split(fmt.Sprint(err), "\n")); n != 3 {
		t.Errorf("%d errors: %v", n, err)
	}
	if err := (broker.Route{Name: "ok", Match: []string{"#"}}).Check(); err != nil {
		t.Error(err)
	}
}

func TestReason(t *testing.T) {
	for _, err := range []error{broker.ErrDown, broker.ErrBlocked, broker.ErrRejected, broker.ErrTooLarge, broker.ErrUnknown, errors.New("x")} {
		if !slices.Contains(broker.Reasons(), broker.Reason(err)) {
			t.Errorf("the metric of %v, %s, is not prepared", err, broker.Reason(err))
		}
	}
	partly := error(&broker.PartlyError{Routes: []string{"a", "b"}, Err: broker.ErrTooLarge})
	if broker.Reason(partly) != "refused" || !errors.Is(partly, broker.ErrTooLarge) || partly.Error() != "not stored for a, b: "+broker.ErrTooLarge.Error() {
		t.Errorf("%s: %v", broker.Reason(partly), partly)
	}
	for err, want := range map[error]string{
		broker.ErrDown: "down", broker.ErrBlocked: "blocked", broker.ErrRefused: "refused", broker.ErrUnknown: "unknown",
		context.DeadlineExceeded: "unknown", errors.New("x"): "other",
	} {
		if got := broker.Reason(fmt.Errorf("publish: %w", err)); got != want {
			t.Errorf("Reason(%v) = %s", err, got)
		}
	}
}

// BenchmarkMatch measures the match that receiver and broker make for each stored event.
func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{1, 10, 1000} {
		routes := []broker.Route{{Name: "loans", Match: []string{"github.#", "alma.loan.#"}}}
		for i := range n - 1 {
			routes = append(routes, broker.Route{Name: fmt.Sprint("other", i), Match: []string{fmt.Sprintf("alma.other_%d.#", i)}})
		}
		m := broker.NewMatcher(routes)
		b.Run(fmt.Sprintf("routes=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if len(m.Match("alma.loan.loan_created")) != 1 {
					b.Fatal("no match")
				}
			}
		})
	}
}
