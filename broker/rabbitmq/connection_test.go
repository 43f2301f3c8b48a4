package rabbitmq

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestALongLossIsLoggedOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.WarnLevel)
		m, err := newMetrics(prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		urls := []string{"amqp://127.0.0.1:1/", "amqp://127.0.0.1:2/"}
		l := newConnection(publishing, Config{URLs: urls}, newDeclarer(nil, m, zap.NewNop()), m, zap.New(core))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute+time.Second)
		defer cancel()
		l.run(ctx)
		if tries := l.dialer.next; tries < 9*60 {
			t.Errorf("%d tries in 10 minutes", tries)
		}
		if n := logs.Len(); n < len(urls)+9 || n > len(urls)+11 {
			t.Errorf("logged %d times in 10 minutes", n)
		}
	})
}
