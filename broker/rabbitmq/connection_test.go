package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/broker"
)

func TestALongLossIsLoggedOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.WarnLevel)
		m, err := newMetrics(prometheus.NewRegistry(), nil)
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

func TestAnAttachedBrokerGivesUpNodesThatRefuse(t *testing.T) {
	t.Parallel()
	refused := fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
	for _, c := range []struct {
		name   string
		giveUp time.Duration
		causes []error // of the tries, one each second, the last one again and again
		want   time.Duration
	}{
		{"both nodes refuse", 2 * time.Second, []error{refused}, 2 * time.Second},
		{"they refuse while RabbitMQ starts", 0, []error{refused}, time.Minute},
		{"one node is slow", 2 * time.Second, []error{refused, io.EOF, refused, io.EOF, refused, refused}, 6 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m, err := newMetrics(prometheus.NewRegistry(), nil)
				if err != nil {
					t.Fatal(err)
				}
				cfg := Config{URLs: []string{"amqp://a/", "amqp://b/"}, GiveUp: c.giveUp}
				l := newConnection(consuming, cfg, newDeclarer(nil, m, zap.NewNop()), m, zap.NewNop())
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				var tries sync.WaitGroup
				tries.Go(func() {
					for i := 0; ctx.Err() == nil; i++ {
						<-time.After(time.Second)
						l.set(nil, c.causes[min(i, len(c.causes)-1)])
					}
				})
				defer tries.Wait()
				defer cancel()
				began := time.Now()
				_, err = l.await(ctx)
				if took := time.Since(began); !errors.Is(err, broker.ErrDown) || !errors.Is(err, syscall.ECONNREFUSED) || took != c.want {
					t.Errorf("%v after %v, want after %v", err, took, c.want)
				}
			})
		})
	}
}
