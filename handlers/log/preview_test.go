package log_test

import (
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/handlers/log"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

func TestAPreviewIsTheLine(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zapcore.InfoLevel)
	h, err := log.New(log.Config{Fields: []string{"job.status"}}, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	d := event.Delivery{Route: "r", Event: event.Event{ID: "42", Source: "alma", Action: "job_end", Data: []byte(`{"job":{"status":"OK"}}`)}}
	p, err := handler.PreviewOf(t.Context(), h, d)
	const want = `{"route":"r","id":"42","source":"alma","action":"job_end","size":23,"fields":{"job.status":"OK"}}`
	if err != nil || len(p.Parts) != 1 || p.Parts[0].Text != want || logs.Len() > 0 {
		t.Errorf("%+v, %v, %d lines", p, err, logs.Len())
	}
}
