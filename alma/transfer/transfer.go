// Package transfer fetches the files of a finished export or publishing job, changes their records, and delivers them.
//
// It finds the files by the event alone and reads them as a stream (tar and gzip; MARCXML, binary MARC 21, lines). It selects
// and changes records. It delivers the result to a folder, SFTP, FTP, WebDAV, S3, Dropbox, or through rclone
// to its many services; as one file, in batches or one by one. Memory does not grow with the files.
//
// A missing file and network errors are retried. An event that names no files, a
// refused password, and a file that unpacks to more than Config.MaxBytes are permanent errors.
//
// Duplicates: a repeat delivers the same files under the same names and replaces the earlier ones. With write.existing: skip it leaves
// existing files alone.
package transfer

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/store"
)

// Handler transfers the files of jobs.
type Handler struct {
	plan
	metrics *Metrics
	log     *zap.Logger
}

// New checks cfg. It makes no connection. Env is the whole environment of programs (Config.Through, rclone), as
// "NAME=value".
func New(cfg Config, env []string, m *Metrics, log *zap.Logger) (handler.Handler, error) {
	p, err := cfg.build(env)
	if err != nil {
		return nil, err
	}
	return &Handler{p, m, log}, nil
}

// Handle transfers the files of the event's job.
func (h *Handler) Handle(ctx context.Context, d event.Delivery) error {
	job, err := h.job(d.Event)
	if err != nil {
		return err
	}
	return h.run(ctx, job, h.log.With(zap.String("route", d.Route), zap.String("job", job.ID)))
}

// Again transfers the files of a job without an event. It replaces files that were delivered before.
func (h *Handler) Again(ctx context.Context, job Job) error {
	if h.lacksLink(job) {
		return fmt.Errorf("find.files needs {link}, which the ID of a job does not contain: add --link NAME, the base name of its files, from the counter %s of its event", strings.Join(h.find.counters, " or "))
	}
	again := *h
	again.skip = false
	return again.run(ctx, job, h.log.With(zap.String("job", job.ID)))
}

// job returns the job of an event, with the names that lead to its files.
func (h *Handler) job(e event.Event) (Job, error) {
	job, err := jobOf(e, h.find.counters)
	if err != nil {
		return job, handler.Permanent(err)
	}
	if h.lacksLink(job) {
		return job, handler.Permanent(fmt.Errorf("job %s names no file: it has no counter %s. Did it export anything? Choose jobs by the route's where, or set find.counters or find.files", job.ID, strings.Join(h.find.counters, " or ")))
	}
	return job, nil
}

func (h *Handler) run(ctx context.Context, job Job, log *zap.Logger) error {
	return h.verdict(h.transfer(ctx, job, log))
}

func (h *Handler) lacksLink(job Job) bool {
	return job.Link == "" && strings.Contains(h.find.form, "{link}")
}

// verdict makes errors permanent that no repeat can solve.
func (h *Handler) verdict(err error) error {
	if errors.Is(err, store.ErrRefused) {
		return handler.Permanent(err)
	}
	return err
}

func (h *Handler) transfer(ctx context.Context, job Job, log *zap.Logger) (err error) {
	source, err := h.from.Connect(ctx)
	if err != nil {
		return fmt.Errorf("from: %w", err)
	}
	defer func() { err = errors.Join(err, wrap("from", source.Close())) }()
	names, err := h.find.find(ctx, source, job)
	if err != nil {
		return fmt.Errorf("from: %w", err)
	}
	if err := distinct(names); err != nil {
		return handler.Permanent(err)
	}
	target, err := h.to.Connect(ctx)
	if err != nil {
		return fmt.Errorf("to: %w", err)
	}
	defer func() { err = errors.Join(err, wrap("to", target.Close())) }() // deliveries are confirmed by then
	for _, name := range names {
		f := &fileTransfer{plan: h.plan, metrics: h.metrics, target: target, job: job.ID, name: name, log: log.With(zap.String("file", name))}
		if err := f.transfer(ctx, source); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// distinct refuses files whose outputs would have the same name.
func distinct(names []string) error {
	stems := make([]string, len(names))
	for i, name := range names {
		stems[i] = stem(name)
	}
	slices.Sort(stems)
	for i := range stems[1:] {
		if stems[i] == stems[i+1] {
			return fmt.Errorf("several files are called %s with different extensions; choose one of them by find.files", path.Base(stems[i]))
		}
	}
	return nil
}
