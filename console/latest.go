package console

import (
	"context"
	"sync"
	"time"
)

const (
	freshFor = 10 * time.Second // an answer is asked for again after this time
	askFor   = 30 * time.Second // an answer may take this time
	waitFor  = time.Second      // a page waits this time for the first answer
)

// latest is the latest answer of something that is slow to ask, such as a broker. Pages show it with its age, so that a slow answer blocks no
// page, and the last numbers stay when no more come.
type latest[T any] struct {
	ask func(context.Context) (T, error)
	now func() time.Time

	mu     sync.Mutex
	answer answer[T]
	asking chan struct{} // closed at the end of the question that is on its way; nil without one
	asked  time.Time     // end of the last question
}

// answer is an answer with its age.
type answer[T any] struct {
	Value  T
	At     time.Time // of the value; zero if there was none yet
	Err    error     // of the last question
	Failed time.Time // begin of the failures; zero if the last question was answered
}

func newLatest[T any](ask func(context.Context) (T, error), now func() time.Time) *latest[T] {
	return &latest[T]{ask: ask, now: now}
}

// get returns the latest answer. If it is old, get asks in the background; it waits for the first answer, but not long.
func (l *latest[T]) get(ctx context.Context) answer[T] {
	l.mu.Lock()
	if l.asking == nil && (l.asked.IsZero() || l.now().Sub(l.asked) >= freshFor) {
		l.asking = make(chan struct{})
		go l.refresh(context.WithoutCancel(ctx))
	}
	asking, have := l.asking, l.answer
	l.mu.Unlock()
	if asking == nil || !have.At.IsZero() && have.Err == nil {
		return have
	}
	ctx, cancel := context.WithTimeout(ctx, waitFor)
	defer cancel()
	select {
	case <-asking:
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answer
}

func (l *latest[T]) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	value, err := l.ask(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.answer.Err = err
	switch {
	case err == nil:
		l.answer.Value, l.answer.At, l.answer.Failed = value, now, time.Time{}
	case l.answer.Failed.IsZero():
		l.answer.Failed = now
	}
	l.asked = now
	close(l.asking)
	l.asking = nil
}
