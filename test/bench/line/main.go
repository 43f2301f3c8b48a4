// Command line measures the embedded line in a process of its own, and says what it has seen as JSON:
//
//	line FOLDER EVENTS BACKLOG ROUNDS
//
// In each round 64 senders publish EVENTS events and 64 handlers acknowledge as many; then both at once; then the same
// while BACKLOG events wait. Events are as a receiver makes them, each has an ID of its own, and repeats are looked for.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/hookline/hookline/pkg/broker"
	"github.com/hookline/hookline/pkg/broker/embedded"
	"github.com/hookline/hookline/pkg/event"
)

// seen are events a second, of each round.
type seen struct {
	Enqueued, Dequeued           []float64
	EnqueuedBeside, DequeuedMore []float64 // both at once
	Filled                       float64   // while the backlog was made
	EnqueuedBehind               []float64 // behind the backlog
	DequeuedBehind               []float64 // from it
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "line:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 4 {
		return errors.New("see its documentation for how to call it")
	}
	var numbers [3]int
	for n, arg := range args[1:] {
		var err error
		if numbers[n], err = strconv.Atoi(arg); err != nil {
			return err
		}
	}
	events, waiting, rounds := numbers[0], numbers[1], numbers[2]
	r := broker.Route{Name: "archive", Match: []string{"#"}, Concurrency: 64}
	line, err := embedded.Open(embedded.Config{Path: filepath.Join(args[0], "line.db"), Routes: []broker.Route{r}, MaxBytes: 64 << 30, Duplicates: 2 * time.Hour},
		prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		return err
	}
	m := &meter{line: line, route: r}
	var s seen
	err = s.measure(m, events, waiting, rounds)
	if err := errors.Join(err, line.Close(context.Background())); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(s)
}

func (s *seen) measure(m *meter, events, waiting, rounds int) error {
	for range rounds {
		m.note(&s.Enqueued, m.publish, events)
		m.note(&s.Dequeued, m.consume, events)
		var both errgroup.Group
		both.Go(func() error { m.note(&s.EnqueuedBeside, m.publish, events); return nil })
		both.Go(func() error { m.note(&s.DequeuedMore, m.consume, events); return nil })
		_ = both.Wait() // the meter keeps the errors
	}
	var filled []float64
	m.note(&filled, m.publish, waiting)
	s.Filled = filled[0]
	for range rounds {
		m.note(&s.EnqueuedBehind, m.publish, events)
		m.note(&s.DequeuedBehind, m.consume, events)
	}
	return m.err()
}

// meter publishes and consumes.
type meter struct {
	line  *embedded.Line
	route broker.Route
	next  atomic.Int64

	mu     sync.Mutex
	errors []error
}

func (m *meter) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.errors = append(m.errors, err)
}

func (m *meter) err() error { return errors.Join(m.errors...) }

// note appends how many events a second do gets through.
func (m *meter) note(to *[]float64, do func(int) error, events int) {
	begun := time.Now()
	if err := do(events); err != nil {
		m.fail(err)
	}
	*to = append(*to, float64(events)/time.Since(begun).Seconds())
}

func (m *meter) publish(events int) error {
	var group errgroup.Group
	var left atomic.Int64
	left.Store(int64(events))
	body := make([]byte, 1200)
	for range 64 {
		group.Go(func() error {
			for left.Add(-1) >= 0 {
				e := event.Event{ID: fmt.Sprintf("event-%012d", m.next.Add(1)), Source: "alma", Action: "job_end", Time: time.Now().UTC(), ContentType: "application/json",
					Header: map[string]string{"X-Exl-Signature": "c2lnbmF0dXJl"}, Data: body}
				if err := m.line.Publish(context.Background(), e); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func (m *meter) consume(events int) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var left atomic.Int64
	left.Store(int64(events))
	return m.line.Consume(ctx, m.route, func(context.Context, event.Delivery) broker.Outcome {
		if left.Add(-1) == 0 {
			cancel()
		}
		return broker.Ack()
	})
}
