// Package reconcile finds ends of Alma's jobs that never arrived, and sends their events to the receiver.
//
// One route serves two kinds of events. The end of a job, with the action job_end, is recorded as arrived. Any other event,
// such as one of a schedule, starts a comparison with Alma's list of ended runs of the configured jobs. The handler posts a missing run to the
// receiver as Alma would, signed and with the run's ID, and with the header Hookline-Reconciled: true. The receiver stores, counts,
// deduplicates and routes it like every event.
//
// Duplicates: none while the receiver remembers the event's ID. An event that Alma sends after Config.Wait is a second one.
package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/sender"
)

// Header marks an event of this handler.
const Header = "Hookline-Reconciled"

const (
	jobEnd = "job_end"
	// longestJob is the longest time from the submission of a job to its end: Alma lists runs by submission.
	longestJob = 48 * time.Hour
)

// Alma lists the runs of jobs; alma.Client does.
type Alma interface {
	JobRuns(ctx context.Context, job string, since time.Time) ([]alma.JobRun, error)
	JobRun(ctx context.Context, job, run string) ([]byte, error)
}

type reconciler struct {
	cfg      Config
	alma     Alma
	signer   *signature.Verifier
	arrivals arrivals
	log      *zap.Logger
}

// New checks cfg. It does no I/O.
func New(cfg Config, from Alma, log *zap.Logger) (handler.Handler, error) {
	cfg = cfg.withDefaults()
	signer, err := cfg.check()
	if err != nil {
		return nil, err
	}
	return &reconciler{cfg, from, signer, arrivals{cfg.Seen}, log}, nil
}

// Handle records an arrival, or looks for missing ones.
func (r *reconciler) Handle(ctx context.Context, d event.Delivery) error {
	now := time.Now()
	began, err := r.arrivals.open(now)
	if err != nil {
		return err
	}
	if d.Event.Action == jobEnd {
		return r.arrivals.add(d.Event.ID)
	}
	fed, err := r.feedAll(ctx, began, now)
	r.log.Info("reconciled", zap.String("id", d.Event.ID), zap.Int("fed_in", fed), zap.Time("known_since", began))
	err = errors.Join(err, r.arrivals.forget(now.Add(-r.cfg.Back-longestJob)))
	var used *alma.QuotaError
	if errors.As(err, &used) {
		return handler.RetryAfter(used.Wait(), err)
	}
	return err
}

// feedAll posts the missing runs that ended since the record began, and long enough ago that Alma no longer repeats their events.
func (r *reconciler) feedAll(ctx context.Context, began, now time.Time) (fed int, err error) {
	from, until := now.Add(-r.cfg.Back), now.Add(-r.cfg.Wait)
	if began.After(from) {
		from = began
	}
	var errs []error
	for _, job := range r.cfg.Jobs {
		runs, err := r.alma.JobRuns(ctx, job, from.Add(-longestJob))
		if err != nil {
			errs = append(errs, fmt.Errorf("job %s: %w", job, err))
		}
		for _, run := range runs {
			missing, err := r.missing(run, from, until)
			if err == nil && missing {
				if err = r.feed(ctx, job, run.ID, now); err == nil {
					fed++
				}
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("job %s: %w", job, err))
			}
		}
	}
	return fed, errors.Join(errs...)
}

func (r *reconciler) missing(run alma.JobRun, from, until time.Time) (bool, error) {
	if run.Ended == "" {
		return false, nil
	}
	ended, err := time.Parse(time.RFC3339, run.Ended)
	if err != nil {
		return false, fmt.Errorf("run %s: end_time: %w", run.ID, err)
	}
	if ended.Before(from) || ended.After(until) {
		return false, nil
	}
	known, err := r.arrivals.has(run.ID)
	return !known, err
}

// feed posts the event as Alma would have.
func (r *reconciler) feed(ctx context.Context, job, run string, now time.Time) error {
	instance, err := r.alma.JobRun(ctx, job, run)
	if err != nil {
		return fmt.Errorf("run %s: %w", run, err)
	}
	body, err := json.Marshal(struct {
		ID       string          `json:"id"`
		Action   string          `json:"action"`
		Time     string          `json:"time"`
		Instance json.RawMessage `json:"job_instance"`
	}{run, strings.ToUpper(jobEnd), now.UTC().Format(event.TimeFormat), instance})
	if err != nil {
		return fmt.Errorf("run %s: %w", run, err)
	}
	m := sender.Message{ID: run, Header: http.Header{"Content-Type": {"application/json"}, Header: {"true"}}, Body: body}
	answer, err := sender.Send(ctx, sender.Target{URL: r.cfg.URL}, m, r.signer)
	if err != nil {
		return fmt.Errorf("run %s: %w", run, err)
	}
	if answer.Code != http.StatusOK {
		return fmt.Errorf("run %s: the receiver answered %d", run, answer.Code)
	}
	r.log.Info("posted the end of a job that never arrived", zap.String("job", job), zap.String("run", run))
	return nil
}
