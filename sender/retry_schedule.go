package sender

import (
	"net/http"
	"strconv"
	"time"
)

// RetrySchedule describes when a sender sends a message again after a failed attempt: a late answer, or another one than 2xx.
type RetrySchedule struct {
	// Pauses are the waits after each failed attempt. After the last one the sender gives up.
	Pauses []time.Duration
	// Final is true for a sender that repeats after 5xx and missing answers only, and gives up after 3xx and 4xx.
	Final bool
	// NoRetry is the name of an answer's header that ends the repeats, or empty.
	NoRetry string
	// Count is the name of a request's header that counts the repeats, or empty.
	Count string
}

// schedules returns the schedules by preset. Each entry names its source, and the assumptions where documentation is
// missing:
//
//	alma       Ex Libris: after 5xx or no answer in 5 s, repeats after 1, 3 and 6 hours; after 4xx never. Assumed: a
//	           refused connection counts as 5xx, a redirect as 4xx
//	github     GitHub: never repeats by itself. gitlab: assumed the same, because it documents only a deadline
//	stripe     Stripe: after all but 2xx, for up to three days with growing pauses. Assumed: the pauses
//	slack      Slack: after all but 2xx in 3 s, three times: at once, after one minute, after five; X-Slack-No-Retry ends it
//	shopify    Shopify: after all but 2xx in 5 s, eight times in four hours. Assumed: the pauses
//	standard-webhooks, token, basic
//	           Svix, whose schedule many others use: 5 s, 5 min, 30 min, 2, 5, 10 and 10 hours; the specification asks
//	           for several days. Assumed for token and basic, which stand for any sender
//	bitbucket  Atlassian: after 5xx or no answer in 10 s, twice. Assumed: at once
//	meta       Meta: at once, then a few more times with growing pauses over 36 hours. Assumed: the pauses
//	dropbox    Dropbox: growing pauses for about ten minutes. Assumed: the pauses
//	zoom       Zoom: three times, 5 minutes after the first, then 20 to 30 and 60 minutes later. Assumed: after 5xx only
func schedules() map[string]RetrySchedule {
	const s, m, h = time.Second, time.Minute, time.Hour
	svix := RetrySchedule{Pauses: []time.Duration{5 * s, 5 * m, 30 * m, 2 * h, 5 * h, 10 * h, 10 * h}}
	return map[string]RetrySchedule{
		"alma":              {Pauses: []time.Duration{1 * h, 3 * h, 6 * h}, Final: true},
		"github":            {},
		"gitlab":            {},
		"stripe":            {Pauses: []time.Duration{5 * m, 30 * m, 2 * h, 5 * h, 10 * h, 12 * h, 12 * h, 12 * h, 12 * h}},
		"slack":             {Pauses: []time.Duration{0, 1 * m, 5 * m}, NoRetry: "X-Slack-No-Retry", Count: "X-Slack-Retry-Num"},
		"shopify":           {Pauses: []time.Duration{1 * m, 2 * m, 5 * m, 10 * m, 20 * m, 40 * m, 1 * h, 100 * m}},
		"standard-webhooks": svix,
		"token":             svix,
		"basic":             svix,
		"bitbucket":         {Pauses: []time.Duration{0, 0}, Final: true},
		"meta":              {Pauses: []time.Duration{0, 1 * m, 10 * m, 1 * h, 3 * h, 8 * h, 23 * h}},
		"dropbox":           {Pauses: []time.Duration{15 * s, 30 * s, 1 * m, 2 * m, 5 * m}},
		"zoom":              {Pauses: []time.Duration{5 * m, 30 * m, 1 * h}, Final: true},
	}
}

// ScheduleOf returns the schedule of a preset, and that of standard-webhooks for an unknown preset.
func ScheduleOf(preset string) RetrySchedule {
	all := schedules()
	if s, ok := all[preset]; ok {
		return s
	}
	return all["standard-webhooks"]
}

// next returns the pause before the sender's next attempt, by the number of attempts so far and the result of the last
// one. It returns false if the sender gives up.
func (s RetrySchedule) next(tries int, a Answer, err error) (time.Duration, bool) {
	answered := err == nil
	switch {
	case tries > len(s.Pauses):
		return 0, false
	case answered && s.Final && a.Code < http.StatusInternalServerError:
		return 0, false
	case answered && s.NoRetry != "" && a.Header.Get(s.NoRetry) != "":
		return 0, false
	}
	return s.Pauses[tries-1], true
}

// count returns the message with the header that counts the repeats.
func (s RetrySchedule) count(m Message, repeat int) Message {
	if s.Count == "" || repeat == 0 {
		return m
	}
	if m.Header = m.Header.Clone(); m.Header == nil {
		m.Header = http.Header{}
	}
	m.Header.Set(s.Count, strconv.Itoa(repeat))
	return m
}
