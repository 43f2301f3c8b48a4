package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/worker"
)

// journaling is the part of a process that keeps what happened. It takes the records of the receiver, the schedules and the worker.
type journaling struct {
	store    *journal.Store
	recorder *journal.Recorder
	routed   func(key string) bool
	process  string // for people
	stop     context.CancelFunc
	running  sync.WaitGroup
}

// openJournal opens the journal of a process, and begins to keep records. A journal that cannot be opened stops nobody: the process
// goes on without it.
func openJournal(c *config.Config, reg prometheus.Registerer, log *zap.Logger) (*journaling, error) {
	if !c.Journal.Enabled || !c.Broker.Embedded() {
		return nil, nil //nolint:nilnil // a process without a journal
	}
	store, err := journal.Open(journalConfig(c), reg, log)
	if err != nil {
		log.Error("there is no journal until this is solved; events are stored and handled without it", zap.Error(err))
		return nil, nil //nolint:nilnil // as above
	}
	recorder, err := journal.NewRecorder(journal.RecorderConfig{}, store, reg, log)
	if err != nil {
		return nil, fmt.Errorf("%w (and %w)", err, store.Close())
	}
	running, stop := context.WithCancel(context.Background())
	j := &journaling{store: store, recorder: recorder, routed: routed(c.Routes.Broker()), process: processName(), stop: stop}
	j.running.Go(func() { recorder.Run(running) })
	return j, nil
}

// close hands on the last records. Call it when nobody makes records any more.
func (j *journaling) close() error {
	j.stop()
	j.running.Wait()
	return j.store.Close()
}

// Stored records an event of a receiver or of a schedule.
func (j *journaling) Stored(e event.Event, secret string) {
	j.recorder.Stored(journal.Stored{Event: e, Unrouted: !j.routed(e.Key()), Secret: secret, Process: j.process})
}

// Ended records an attempt of a worker.
func (j *journaling) Ended(a worker.Attempt) {
	out := journal.Attempt{
		Key: journal.KeyOf(a.Delivery.Event), Route: a.Delivery.Route, Number: a.Delivery.Attempt,
		Start: a.Start, Duration: a.Duration, Outcome: journal.Outcome(a.Outcome), Reason: a.Reason, Process: j.process,
	}
	if a.Err != nil {
		out.Error = handler.LogText(a.Err)
	}
	if out.Outcome == journal.Retried {
		out.Next = a.Start.Add(a.Duration + a.RetryIn)
	}
	j.recorder.Attempt(out)
}

// journalConfig returns the configuration of the journal's file.
func journalConfig(c *config.Config) journal.Config {
	out := journal.Config{Dir: filepath.Join(c.Data, "journal"), Keep: c.Journal.Keep, MaxBytes: c.Journal.MaxBytes, Sources: map[string]journal.SourceConfig{}}
	for name, s := range c.Sources {
		out.Sources[name] = journal.SourceConfig{NoBodies: !s.Journal.Bodies, Keep: s.Journal.Keep}
	}
	return out
}

// processName names this process for people: its machine and its ID there.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}
