package broker_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/broker"
)

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
	} {
		if got := broker.Match(c.pattern, c.key); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.key, got)
		}
	}
}

// FuzzMatch holds Match against a regular expression that says the same.
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
		if want := regexp.MustCompile("^" + expr + "$").MatchString("." + key); broker.Match(pattern, key) != want {
			t.Fatalf("Match(%q, %q) = %v", pattern, key, !want)
		}
	})
}

func TestCheckPattern(t *testing.T) {
	for _, bad := range []string{"", ".", "a..b", "A.b", "alma.job end", "al*ma", strings.Repeat("a", 256)} {
		if broker.CheckPattern(bad) == nil {
			t.Errorf("%q was accepted", bad)
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

func TestTopologyOfARoute(t *testing.T) {
	topology := broker.NewTopology([]broker.Route{{Name: "archive", Match: []string{"alma.#", "github.*"}}})
	var keys []string
	for _, b := range topology.Bindings {
		if b.Queue == broker.WorkQueue("archive") {
			keys = append(keys, b.Exchange+" "+b.Key)
		}
	}
	want := []string{"hookline.return hookline.work.archive", "hookline.events alma.#", "hookline.events github.*"}
	if strings.Join(keys, "|") != strings.Join(want, "|") {
		t.Errorf("bindings %q", keys)
	}
	for _, q := range topology.Queues {
		if q.Role == broker.RoleLedger || q.Role == broker.RoleTurn {
			continue
		}
		if q.Args["x-queue-type"] != "quorum" || q.Args["x-overflow"] != "reject-publish" {
			t.Errorf("%s can lose messages: %v", q.Name, q.Args)
		}
		if q.Args["x-dead-letter-exchange"] != nil && q.Args["x-dead-letter-strategy"] != "at-least-once" {
			t.Errorf("%s can lose dead letters: %v", q.Name, q.Args)
		}
	}
}

func TestRetryQueueNames(t *testing.T) {
	for step, want := range map[time.Duration]string{time.Second: "1s", 30 * time.Second: "30s", 2 * time.Minute: "2m", 10 * time.Minute: "10m", time.Hour: "1h", 6 * time.Hour: "6h"} {
		if got := broker.RetryQueue(step); got != "hookline.retry."+want {
			t.Errorf("RetryQueue(%v) = %s", step, got)
		}
	}
}

func TestReason(t *testing.T) {
	for err, want := range map[error]string{
		broker.ErrDown: "down", broker.ErrBlocked: "blocked", broker.ErrRefused: "refused", broker.ErrUnknown: "unknown",
		context.DeadlineExceeded: "unknown", errors.New("x"): "other",
	} {
		if got := broker.Reason(fmt.Errorf("publish: %w", err)); got != want {
			t.Errorf("Reason(%v) = %s", err, got)
		}
	}
}

// BenchmarkMatches is what the receiver asks of each stored event, and the embedded line of each published one.
func BenchmarkMatches(b *testing.B) {
	r := broker.Route{Name: "loans", Match: []string{"github.#", "alma.loan.#"}}
	b.ReportAllocs()
	for b.Loop() {
		if !r.Matches("alma.loan.loan_created") {
			b.Fatal("no match")
		}
	}
}
