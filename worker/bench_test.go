package worker_test

import (
	"context"
	"io"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/worker"
)

// benchConsumer is a broker.Consumer that delivers one event again and again.
type benchConsumer struct {
	b    *testing.B
	stop context.CancelFunc
}

func (c benchConsumer) Consume(ctx context.Context, _ broker.Route, process broker.Process) error {
	d := event.Delivery{Event: event.Event{ID: "561", Source: "alma", Action: "job_end", Data: []byte(jobEnd)}, Route: "r", Attempt: 1}
	for c.b.Loop() {
		if o := process(ctx, d); o.Verdict != broker.VerdictAck {
			c.b.Error(o)
		}
	}
	c.stop()
	return nil
}

// BenchmarkDelivery measures one delivery from the broker to its outcome, with the log line and without the broker.
func BenchmarkDelivery(b *testing.B) {
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zap.InfoLevel))
	ctx, stop := context.WithCancel(b.Context())
	w, err := worker.New(worker.Config{Routes: []worker.Route{route("r", succeed)}}, benchConsumer{b, stop}, prometheus.NewRegistry(), log)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	if err := w.Run(ctx); err != nil {
		b.Error(err)
	}
}
