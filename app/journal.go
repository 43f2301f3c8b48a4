package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/worker"
)

// journaling is the journal in a process. It takes the records of the receiver, the schedules and the worker.
type journaling struct {
	store    *journal.Store // nil in a process that only hands its records on
	recorder *journal.Recorder
	routed   func(key string) bool
	process  string // for people
	stop     context.CancelFunc
	running  sync.WaitGroup
}

// openJournal opens the journal of a process, and begins to keep records. With RabbitMQ they go to its stream, and the processes that keep
// the journal read them there. A journal that cannot be opened stops nobody: the process goes on without it.
func openJournal(c *config.Config, b broker.Broker, keeps bool, reg prometheus.Registerer, log *zap.Logger) (j *journaling, err error) {
	stream, remote := b.(broker.Stream)
	if !c.Journal.Enabled {
		return nil, nil //nolint:nilnil // a process without a journal
	}
	j = &journaling{routed: routed(c.Routes.Broker()), process: processName()}
	if keeps || !remote {
		if j.store, err = journal.Open(journalConfig(c), reg, log); err != nil {
			log.Error("there is no journal here until this is solved; events are stored and handled without it", zap.Error(err))
		}
	}
	var sink journal.Sink = j.store
	if remote {
		sink, err = journal.NewStreamSink(appendTo(stream))
	} else if j.store == nil {
		return nil, nil //nolint:nilnil // as above
	}
	if err == nil {
		j.recorder, err = journal.NewRecorder(journal.RecorderConfig{}, sink, reg, log)
	}
	var reader *journal.Reader
	if err == nil && remote && j.store != nil {
		reader, err = journal.NewReader(stream, j.store, reg, log)
	}
	if err != nil {
		return nil, errors.Join(err, j.closeStore())
	}
	j.run(reader, log)
	return j, nil
}

// run starts the recorder, the removal of old events, and the reader unless it is nil.
func (j *journaling) run(reader *journal.Reader, log *zap.Logger) {
	var running context.Context
	running, j.stop = context.WithCancel(context.Background())
	j.running.Go(func() { j.recorder.Run(running) })
	if j.store != nil {
		j.running.Go(func() { j.store.Run(running) })
	}
	if reader == nil {
		return
	}
	j.running.Go(func() {
		if err := reader.Run(running); err != nil {
			log.Error("the journal takes no more records; events are stored and handled without it", zap.Error(err))
		}
	})
}

// appendTo returns how batches get to a stream.
func appendTo(stream broker.Stream) func(ctx context.Context, batch []byte) error {
	return func(ctx context.Context, batch []byte) error {
		err := stream.AppendStream(ctx, batch)
		if errors.Is(err, broker.ErrRejected) {
			return fmt.Errorf("%w: %w", journal.ErrRefused, err)
		}
		return err
	}
}

// close hands on the last records. Call it when nobody makes records any more.
func (j *journaling) close() error {
	j.stop()
	j.running.Wait()
	return j.closeStore()
}

func (j *journaling) closeStore() error {
	if j.store == nil {
		return nil
	}
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
