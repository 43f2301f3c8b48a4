// Package reconcile finds the ends of Alma's jobs that never arrived, and feeds them in.
//
// It is one route for two kinds of events. The end of a job, whose action is job_end, is noted as arrived. Any other event,
// which a schedule emits, makes it ask Alma which runs of the configured jobs have ended. What has not arrived is posted to the
// receiver as Alma would, signed and with the run's ID, and with the header Hookline-Reconciled: true. So it is stored, counted, told
// from repeats and routed as every event is.
//
// What can happen twice: nothing that the receiver still knows. An event that Alma sends after Config.Wait is a second one.
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

// Header marks an event that was fed in.
const Header = "Hookline-Reconciled"

const (
	jobEnd = "job_end"
	// longestJob is how long before its end a job can have been submitted: Alma lists runs by that.
	longestJob = 48 * time.Hour
)

// Alma lists the runs of jobs; package alma's Client does.
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

// Handle notes what has arrived, or looks for what has not.
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

// feedAll feeds in what ended while arrivals were noted, so long ago that Alma sends it no more.
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
	r.log.Info("fed in what never arrived", zap.String("job", job), zap.String("run", run))
	return nil
}
