package broker_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/hookline/hookline/broker"
)

func TestOutcomesHaveTheirVerdicts(t *testing.T) {
	t.Parallel()
	failure := errors.New("failure")
	for name, c := range map[string]struct{ got, want broker.Outcome }{
		"zero":     {broker.Outcome{}, broker.Outcome{Verdict: broker.VerdictRequeue}}, // a handler that says nothing loses nothing
		"requeue":  {broker.Requeue(), broker.Outcome{Verdict: broker.VerdictRequeue}},
		"ack":      {broker.Ack(), broker.Outcome{Verdict: broker.VerdictAck}},
		"retry":    {broker.Retry(time.Minute, "timeout", failure), broker.Outcome{Verdict: broker.VerdictRetry, After: time.Minute, Reason: "timeout", Err: failure}},
		"give up":  {broker.GiveUp("permanent", failure), broker.Outcome{Verdict: broker.VerdictDead, Reason: "permanent", Err: failure}},
		"postpone": {broker.Postpone(time.Minute), broker.Outcome{Verdict: broker.VerdictPostpone, After: time.Minute}},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, c.got, c.want)
		}
	}
	if broker.MaxDelay != 24*time.Hour {
		t.Errorf("the longest delay is %v, which docs call 24 hours", broker.MaxDelay)
	}
}

func TestErrorTextIsCutToValidUTF8(t *testing.T) {
	t.Parallel()
	whole := strings.Repeat("x", broker.MaxErrorText)
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"none":                   {nil, ""},
		"short":                  {errors.New("no"), "no"},
		"as long as the limit":   {errors.New(whole), whole},
		"longer by one":          {errors.New(whole + "y"), whole},
		"a character at the end": {errors.New(whole[1:] + "é"), whole[1:]},
		"not UTF-8":              {errors.New("a\xffb"), "ab"},
	} {
		if got := broker.ErrorText(c.err); got != c.want || !utf8.ValidString(got) {
			t.Errorf("%s: %d bytes, want %d", name, len(got), len(c.want))
		}
	}
	if broker.MaxErrorText != 1024 {
		t.Errorf("%d bytes, which docs call 1024", broker.MaxErrorText)
	}
}
