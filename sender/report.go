package sender

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"
)

// noAnswer stands for a connection that was refused or lost, and for an answer that came too late.
const noAnswer = "no answer"

// maxLast is how many bytes of a last answer are kept.
const maxLast = 200

// Report is what became of the messages of a sender that was played.
type Report struct {
	Messages int `json:"messages"`
	// AtFirst and Later are how many were accepted at the first try and after repeats.
	AtFirst int `json:"accepted_at_first"`
	Later   int `json:"accepted_later"`
	// GivenUp are those that the sender would have given up.
	GivenUp []GivenUp `json:"given_up"`
	// Unsettled are those that were neither accepted nor given up when the play was interrupted.
	Unsettled int `json:"unsettled"`
	// Tries are all requests, duplicates among them, and Answers how many had which code or "no answer".
	Tries   int            `json:"tries"`
	Answers map[string]int `json:"answers"`
	// Duplicates are messages that were sent again although they were accepted, and DuplicateAnswers their answers.
	Duplicates       int            `json:"duplicates"`
	DuplicateAnswers map[string]int `json:"duplicate_answers"`
	// Slowest is the slowest answer in seconds.
	Slowest float64 `json:"slowest_seconds"`
	// LongestGap is the longest time in seconds without a 2xx in which a try failed.
	LongestGap float64 `json:"longest_gap_seconds"`
	// Took is the time of the whole in seconds.
	Took float64 `json:"took_seconds"`
}

// GivenUp is a message that a sender would never send again, though nobody accepted it.
type GivenUp struct {
	ID    string `json:"id"`
	Tries int    `json:"tries"`
	Last  string `json:"last"` // the last answer's code and the begin of its body, or why there was none
}

// record makes a Report of what happens. It is safe for concurrent use.
type record struct {
	mu      *sync.Mutex
	r       Report
	began   time.Time
	ended   time.Time // zero: not yet
	good    time.Time // when the last 2xx came
	failing bool      // a try has failed since then
}

func newRecord() record {
	return record{mu: &sync.Mutex{}, r: Report{Answers: map[string]int{}, DuplicateAnswers: map[string]int{}, GivenUp: []GivenUp{}}}
}

func (c *record) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began = time.Now()
	c.good = c.began
}

func (c *record) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = time.Now()
}

func (c *record) message() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.r.Messages++
}

func (c *record) tried(a Answer, err error) {
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

// gap is the longest so far, with the one that is still open.
func (c *record) gap(now time.Time) float64 {
	if !c.failing {
		return c.r.LongestGap
	}
	return max(c.r.LongestGap, now.Sub(c.good).Seconds())
}

func (c *record) accepted(tries int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if tries == 1 {
		c.r.AtFirst++
		return
	}
	c.r.Later++
}

func (c *record) givenUp(m Message, tries int, a Answer, err error) {
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

func (c *record) duplicate(a Answer, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.r.Duplicates++
	c.r.DuplicateAnswers[answerText(a, err)]++
}

func (c *record) report() Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.ended
	if now.IsZero() {
		now = time.Now()
	}
	r := c.r
	r.Answers, r.DuplicateAnswers, r.GivenUp = maps.Clone(r.Answers), maps.Clone(r.DuplicateAnswers), slices.Clone(r.GivenUp)
	r.Unsettled = r.Messages - r.AtFirst - r.Later - len(r.GivenUp)
	r.LongestGap, r.Took = c.gap(now), now.Sub(c.began).Seconds()
	return r
}

func answerText(a Answer, err error) string {
	if err != nil {
		return noAnswer
	}
	return strconv.Itoa(a.Code)
}
