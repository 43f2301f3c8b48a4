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

// limiter keeps a process within its share of Alma's limits.
//
// Processes share no store, and other programs of the institution may use its requests too. All of them see Alma's answers:
// after a 429, each halves its speed at once and then slowly returns to its share, as TCP does.
// X-Exl-Api-Remaining is the same number for all of them.
type limiter struct {
	rate    *rate.Limiter
	share   rate.Limit
	reserve int

	mu     sync.Mutex
	paused time.Time // no request before this
	closed time.Time // no request before this: the day's requests are used up
}

const (
	// steps is the number of successes that lead from a standstill to the whole share.
	steps = 100
	// floor is the smallest part of the share, after many 429s.
	floor = 1.0 / 16
	// defaultPause is the pause after a 429 without a Retry-After.
	defaultPause = time.Second
	// checkEvery is the pause after the day's requests were used up; the institution may get more meanwhile. It is
	// long, because each check costs an event an attempt.
	checkEvery = 3 * time.Hour
	// unknown is the number of remaining requests if an answer leaves it out.
	unknown = -1
)

func newLimiter(c Config) *limiter {
	share := rate.Limit(cmp.Or(c.Rate, DefaultRate) / float64(cmp.Or(c.Processes, 1)))
	return &limiter{rate: rate.NewLimiter(share, 1), share: share, reserve: c.Reserve}
}

// QuotaError says that the day's requests, except for the reserve, are used up.
type QuotaError struct {
	// Until is the time of the next try.
	Until time.Time
}

func (e *QuotaError) Error() string {
	return fmt.Sprintf("alma: the day's API requests are used up down to the reserve; trying again at %s", e.Until.UTC().Format("15:04 UTC"))
}

// wait returns when the next request is allowed.
func (l *limiter) wait(ctx context.Context) error {
	for {
		if err := l.rate.Wait(ctx); err != nil {
			return fmt.Errorf("alma: waiting for the rate limit: %w", cmp.Or(context.Cause(ctx), err))
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

// observe reads the number of requests left today from an answer, and returns it, or unknown.
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

// refused slows down after a 429. It returns a QuotaError if the day's requests are used up, else err.
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
		return err // a request of the same moment: counted already
	}
	l.paused = now.Add(jitter(cmp.Or(answer.RetryAfter, defaultPause)))
	l.rate.SetLimit(max(l.rate.Limit()/2, l.share*floor))
	return err
}

// accepted speeds up by one step.
func (l *limiter) accepted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.rate.Limit(); now < l.share {
		l.rate.SetLimit(min(now+l.share/steps, l.share))
	}
}

// close ends the day's requests: until midnight (Alma counts by UTC), or for checkEvery if that is sooner.
func (l *limiter) close(now time.Time) (until time.Time) {
	midnight := now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed = now.Add(checkEvery); midnight.Before(l.closed) {
		l.closed = midnight
	}
	return l.closed
}

// Wait returns the time until then, at least a second.
func (e *QuotaError) Wait() time.Duration { return max(time.Until(e.Until), time.Second) }
