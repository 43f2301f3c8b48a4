package alma

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter keeps a process within its share of what Alma allows.
//
// Processes share no store, and other programs of the institution do not know of this one at all. What all of them see is
// Alma's own word: a 429 makes each go at half its speed at once, and from there slowly up to its share again, as TCP
// shares a wire. X-Exl-Api-Remaining is the same number for everybody.
type limiter struct {
	rate    *rate.Limiter
	share   rate.Limit
	reserve int

	mu     sync.Mutex
	paused time.Time // no request before this
	closed time.Time // the day's requests are used up: none before this
}

const (
	// steps is how many successes lead from no speed at all to the whole share.
	steps = 100
	// floor is the least part of the share that is left after many 429s.
	floor = 1.0 / 16
	// defaultPause is how long nothing is asked after a 429 that does not say how long.
	defaultPause = time.Second
	// lookAgain is how long nothing is asked after the day's requests were used up: somebody may have asked for more. It is
	// as long as this since each look is an attempt of the event that it is for.
	lookAgain = 3 * time.Hour
	// unknown is a number of requests left that Alma did not say.
	unknown = -1
)

func newLimiter(c Config) *limiter {
	share := rate.Limit(cmp.Or(c.Rate, DefaultRate) / float64(cmp.Or(c.Processes, 1)))
	return &limiter{rate: rate.NewLimiter(share, 1), share: share, reserve: c.Reserve}
}

// QuotaError says that the day's requests, but for the reserve, are used up.
type QuotaError struct {
	// Until is when it will be tried again.
	Until time.Time
}

func (e *QuotaError) Error() string {
	return fmt.Sprintf("alma: the day's API requests are used up down to the reserve; trying again at %s", e.Until.UTC().Format("15:04 UTC"))
}

// wait returns when the next request may be made.
func (l *limiter) wait(ctx context.Context) error {
	for {
		if err := l.rate.Wait(ctx); err != nil {
			return fmt.Errorf("alma: waiting for a turn: %w", cmp.Or(context.Cause(ctx), err))
		}
		now := time.Now()
		l.mu.Lock()
		paused, closed := l.paused, l.closed
		l.mu.Unlock()
		if now.Before(closed) {
			return &QuotaError{closed}
		}
		if !now.Before(paused) {
			return nil
		}
		if err := sleep(ctx, paused.Sub(now)); err != nil {
			return fmt.Errorf("alma: waiting after a 429: %w", err)
		}
	}
}

// observe takes the number of requests left today from an answer, and returns it, or unknown.
func (l *limiter) observe(resp *http.Response, now time.Time) int {
	left := remaining(resp.Header)
	if l.reserve > 0 && left != unknown && left <= l.reserve {
		l.close(now)
	}
	return left
}

func remaining(h http.Header) int {
	left, err := strconv.Atoi(h.Get("X-Exl-Api-Remaining"))
	if err != nil || left < 0 {
		return unknown
	}
	return left
}

// refused slows down after a 429, and says what is to be done about err: a QuotaError if the day's requests are used up.
func (l *limiter) refused(err error, now time.Time) error {
	var answer *Error
	if !errors.As(err, &answer) || answer.Status != http.StatusTooManyRequests {
		return err
	}
	if answer.daily() {
		return &QuotaError{l.close(now)}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Before(l.paused) {
		return err // of the same moment: counted already
	}
	l.paused = now.Add(jitter(cmp.Or(answer.RetryAfter, defaultPause)))
	l.rate.SetLimit(max(l.rate.Limit()/2, l.share*floor))
	return err
}

// accepted speeds up a little.
func (l *limiter) accepted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.rate.Limit(); now < l.share {
		l.rate.SetLimit(min(now+l.share/steps, l.share))
	}
}

// close ends the day's requests: until midnight (Alma counts by UTC), or for lookAgain if that is sooner.
func (l *limiter) close(now time.Time) (until time.Time) {
	midnight := now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed = now.Add(lookAgain); midnight.Before(l.closed) {
		l.closed = midnight
	}
	return l.closed
}

// Wait is how long it is until then, at least a second.
func (e *QuotaError) Wait() time.Duration { return max(time.Until(e.Until), time.Second) }
