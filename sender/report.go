package sender

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"
)

// noAnswer is the key of Report.Answers for refused or lost connections and for late answers.
const noAnswer = "no answer"

// maxLast is the number of bytes of GivenUp.Last that quote the answer's body.
const maxLast = 200

// Report counts the messages and answers of a played sender.
type Report struct {
	Messages int `json:"messages"`
	// AtFirst and Later count the messages that were accepted at the first attempt and after repeats.
	AtFirst int `json:"accepted_at_first"`
	Later   int `json:"accepted_later"`
	// GivenUp lists the messages that the sender gave up.
	GivenUp []GivenUp `json:"given_up"`
	// Unsettled counts the other messages: an interruption of Play ended their attempts.
	Unsettled int `json:"unsettled"`
	// Tries counts all requests, including duplicates. Answers counts them by status code or "no answer".
	Tries   int            `json:"tries"`
	Answers map[string]int `json:"answers"`
	// Duplicates counts the messages that were sent again after a 2xx. DuplicateAnswers counts their answers.
	Duplicates       int            `json:"duplicates"`
	DuplicateAnswers map[string]int `json:"duplicate_answers"`
	// Slowest is the time of the slowest answer in seconds.
	Slowest float64 `json:"slowest_seconds"`
	// LongestGap is the longest time in seconds from one 2xx to the next, with a failed attempt in it.
	LongestGap float64 `json:"longest_gap_seconds"`
	// Took is the duration of the whole in seconds.
	Took float64 `json:"took_seconds"`
}

// GivenUp is a message that the sender stopped sending before it was accepted.
type GivenUp struct {
	ID    string `json:"id"`
	Tries int    `json:"tries"`
	Last  string `json:"last"` // code and beginning of the last answer, or the error instead of an answer
}

// reporter makes a Report. It is safe for concurrent use.
type reporter struct {
	mu      *sync.Mutex
	r       Report
	started time.Time
	ended   time.Time // zero: still running
	good    time.Time // time of the last 2xx
	failing bool      // an attempt has failed since then
}

func newReporter() reporter {
	return reporter{mu: &sync.Mutex{}, r: Report{Answers: map[string]int{}, DuplicateAnswers: map[string]int{}, GivenUp: []GivenUp{}}}
}

func (c *reporter) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started = time.Now()
	c.good = c.started
}

func (c *reporter) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = time.Now()
}

func (c *reporter) message() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.r.Messages++
}

func (c *reporter) tried(a Answer, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.r.Tries++
	c.r.Answers[answerText(a, err)]++
	if err == nil {
		c.r.Slowest = max(c.r.Slowest, a.Took.Seconds())
	}
	if !a.accepted(err) {
		c.failing = true
		return
	}
	c.r.LongestGap = c.gap(time.Now())
	c.good, c.failing = time.Now(), false
}

// gap returns the longest gap so far, including the present one.
func (c *reporter) gap(now time.Time) float64 {
	if !c.failing {
		return c.r.LongestGap
	}
	return max(c.r.LongestGap, now.Sub(c.good).Seconds())
}

func (c *reporter) accepted(tries int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if tries == 1 {
		c.r.AtFirst++
		return
	}
	c.r.Later++
}

func (c *reporter) givenUp(m Message, tries int, a Answer, err error) {
	last := answerText(a, err)
	if err != nil {
		last = err.Error()
	} else if len(a.Body) > 0 {
		last = fmt.Sprintf("%d %s", a.Code, a.Body[:min(len(a.Body), maxLast)])
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.r.GivenUp = append(c.r.GivenUp, GivenUp{m.ID, tries, last})
}

func (c *reporter) duplicate(a Answer, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.r.Duplicates++
	c.r.DuplicateAnswers[answerText(a, err)]++
}

func (c *reporter) report() Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.ended
	if now.IsZero() {
		now = time.Now()
	}
	r := c.r
	r.Answers, r.DuplicateAnswers, r.GivenUp = maps.Clone(r.Answers), maps.Clone(r.DuplicateAnswers), slices.Clone(r.GivenUp)
	r.Unsettled = r.Messages - r.AtFirst - r.Later - len(r.GivenUp)
	r.LongestGap, r.Took = c.gap(now), now.Sub(c.started).Seconds()
	return r
}

func answerText(a Answer, err error) string {
	if err != nil {
		return noAnswer
	}
	return strconv.Itoa(a.Code)
}
