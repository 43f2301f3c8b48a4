// Package transfer fetches the files of a finished export or publishing job, changes their records, and delivers them.
//
// It finds the files by the event alone, reads them as a stream (tar and gzip; MARCXML, binary MARC 21, lines), chooses
// and changes each record, and delivers the result to a folder, SFTP, FTP, WebDAV, S3, Dropbox, or through rclone
// to whatever that knows; as one file, in batches or one by one. Memory does not grow with the files.
//
// A file that is not there yet, and what goes wrong on the network, is tried again. An event that names no files, a
// refused password, and a file that unpacks to too much are final.
//
// What can happen twice: everything. A repeat delivers the same files under the same names, in place of what is there;
// with write.existing: skip it leaves what is there as it is.
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

// Handler does transfers.
type Handler struct {
	plan
	metrics *Metrics
	log     *zap.Logger
}

// New checks cfg. It connects to nothing. Env is all that programs (Config.Through, rclone) find in
// their environment, as "NAME=value".
func New(cfg Config, env []string, m *Metrics, log *zap.Logger) (handler.Handler, error) {
	p, err := cfg.build(env)
	if err != nil {
		return nil, err
	}
	return &Handler{p, m, log}, nil
}

// Handle does the transfer of the job whose end the event tells.
func (h *Handler) Handle(ctx context.Context, d event.Delivery) error {
	job, err := jobOf(d.Event, h.find.counters)
	if err != nil {
		return handler.Permanent(err)
	}
	return h.run(ctx, job, h.log.With(zap.String("route", d.Route), zap.String("job", job.ID)))
}

// Again does the transfer of a job without an event, also of what was delivered before.
func (h *Handler) Again(ctx context.Context, job Job) error {
	if h.lacksLink(job) {
		return fmt.Errorf("find.files asks for {link}, which the ID of a job does not tell: add --link NAME, the base name of its files as the counter %s of its event gives it", strings.Join(h.find.counters, " or "))
	}
	again := *h
	again.skip = false
	return again.run(ctx, job, h.log.With(zap.String("job", job.ID)))
}

func (h *Handler) run(ctx context.Context, job Job, log *zap.Logger) error {
	if h.lacksLink(job) {
		return handler.Permanent(fmt.Errorf("job %s names no file: it has no counter %s. Did it export anything? Choose jobs by the route's where, or set find.counters or find.files", job.ID, strings.Join(h.find.counters, " or ")))
	}
	return h.verdict(h.transfer(ctx, job, log))
}

func (h *Handler) lacksLink(job Job) bool {
	return job.Link == "" && strings.Contains(h.find.form, "{link}")
}

// verdict makes final what no repeat can heal.
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
	defer func() { err = errors.Join(err, wrap("to", target.Close())) }() // what was delivered has been confirmed by then
	for _, name := range names {
		f := &fileTransfer{plan: h.plan, metrics: h.metrics, target: target, job: job.ID, name: name, log: log.With(zap.String("file", name))}
		if err := f.transfer(ctx, source); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// distinct refuses two files whose results would have the same name.
func distinct(names []string) error {
	stems := make([]string, len(names))
	for i, name := range names {
		stems[i] = stem(name)
	}
	slices.Sort(stems)
	for i := range stems[1:] {
		if stems[i] == stems[i+1] {
			return fmt.Errorf("several files are called %s but for their extensions; choose one of them by find.files", path.Base(stems[i]))
		}
	}
	return nil
}
