// Package log writes one log line for each event: its ID, source, action and size, and the configured fields.
//
// It never logs a body. Duplicates: a repeated event is logged again.
package log

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.uber.org/zap"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/jsonbody"
)

// maxValue limits the logged part of a field's value, in bytes.
const maxValue = 256

// Config logs each event, without its body.
type Config struct {
	// Fields are paths into a JSON body, such as job_instance.name, counter.0.value or counter.#. Their values are logged, cut to 256 bytes
	// each. A path that an event lacks is left out. Choose paths without personal data: many people read logs.
	Fields []string `yaml:"fields"`
}

type logger struct {
	fields []string
	log    *zap.Logger
}

// New checks cfg and returns a handler that writes to log.
func New(cfg Config, log *zap.Logger) (handler.Handler, error) {
	var errs []error
	for _, path := range cfg.Fields {
		if path == "" || strings.ContainsAny(path, "@!{[") {
			errs = append(errs, fmt.Errorf("fields: %q is not a path; write names joined by dots: job_instance.status.value", path))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &logger{cfg.Fields, log}, nil
}

// Handle logs the event. It never fails.
func (l *logger) Handle(_ context.Context, d event.Delivery) error {
	l.log.Info("event", l.line(d)...)
	return nil
}

// line returns the fields of the log line.
func (l *logger) line(d event.Delivery) []zap.Field {
	fields := []zap.Field{
		zap.String("route", d.Route), zap.String("id", d.Event.ID), zap.String("source", d.Event.Source),
		zap.String("action", d.Event.Action), zap.Int("size", len(d.Event.Data)),
	}
	if found := l.find(d.Event.Data); len(found) > 0 {
		fields = append(fields, zap.Dict("fields", found...))
	}
	return fields
}

func (l *logger) find(body []byte) []zap.Field {
	if len(l.fields) == 0 {
		return nil
	}
	text, ok := jsonbody.Text(body)
	if !ok {
		return nil
	}
	var found []zap.Field
	for _, path := range l.fields {
		if value := jsonbody.Get(text, path); value.Exists() {
			found = append(found, zap.String(path, cut(value.String())))
		}
	}
	return found
}

func cut(s string) string {
	if len(s) <= maxValue {
		return s
	}
	return strings.ToValidUTF8(s[:maxValue], "") + "..."
}
