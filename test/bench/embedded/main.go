// Command embedded measures the embedded broker in a process of its own, and prints its figures as JSON:
//
//	embedded FOLDER EVENTS BACKLOG ROUNDS
//
// In each round 64 senders publish EVENTS events and 64 handlers acknowledge as many, by turns on an empty broker and on one
// where BACKLOG events wait; then both at once. Events are as a receiver makes them, each has an ID of its own, and repeats are looked for.
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

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
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
		fmt.Fprintln(os.Stderr, "embedded:", err)
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
	short, err := open(filepath.Join(args[0], "short.db"))
	if err != nil {
		return err
	}
	long, err := open(filepath.Join(args[0], "long.db"))
	if err != nil {
		return errors.Join(err, short.broker.Close(context.Background()))
	}
	var s seen
	s.measure(short, long, events, waiting, rounds)
	if err := errors.Join(short.close(), long.close()); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(s)
}

func (s *seen) measure(short, long *meter, events, waiting, rounds int) {
	var filled []float64
	long.note(&filled, long.publish, waiting)
	s.Filled = filled[0]
	for round := range rounds {
		turns := []func(){
			func() { short.note(&s.Enqueued, short.publish, events) }, func() { long.note(&s.EnqueuedBehind, long.publish, events) },
			func() { short.note(&s.Dequeued, short.consume, events) }, func() { long.note(&s.DequeuedBehind, long.consume, events) },
		}
		if round%2 == 1 { // so that neither is always the first
			turns[0], turns[1], turns[2], turns[3] = turns[1], turns[0], turns[3], turns[2]
		}
		for _, turn := range turns {
			turn()
		}
		var both sync.WaitGroup
		both.Go(func() { short.note(&s.EnqueuedBeside, short.publish, events) })
		both.Go(func() { short.note(&s.DequeuedMore, short.consume, events) })
		both.Wait()
	}
}

// open opens a broker with one route.
func open(path string) (*meter, error) {
	r := broker.Route{Name: "archive", Match: []string{"#"}, Concurrency: 64}
	b, err := embedded.Open(embedded.Config{Path: path, Routes: []broker.Route{r}, MaxBytes: 64 << 30, Duplicates: 2 * time.Hour},
		prometheus.NewRegistry(), zap.NewNop())
	return &meter{broker: b, route: r}, err
}

// meter publishes and consumes.
type meter struct {
	broker *embedded.Broker
	route  broker.Route
	next   atomic.Int64

	mu     sync.Mutex
	errors []error
}

func (m *meter) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.errors = append(m.errors, err)
}

// close closes the broker, and returns its errors.
func (m *meter) close() error {
	return errors.Join(append(m.errors, m.broker.Close(context.Background()))...)
}

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
				if err := m.broker.Publish(context.Background(), e); err != nil {
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
	return m.broker.Consume(ctx, m.route, func(context.Context, event.Delivery) broker.Outcome {
		if left.Add(-1) == 0 {
			cancel()
		}
		return broker.Ack()
	})
}
