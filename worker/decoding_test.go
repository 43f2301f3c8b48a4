package worker_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/jsonbody"
	"github.com/hookline/hookline/worker"
)

// The wait of a where for memory ends with the route's timeout, and at the stop the event goes back without an attempt.
func TestAWhereWaitsForMemory(t *testing.T) {
	large := delivery("job_end", `{"pad":"`+strings.Repeat("x", 1<<20)+`"}`)
	for name, c := range map[string]struct {
		runs time.Duration
		want broker.Verdict
	}{"timeout": {time.Hour, broker.VerdictRetry}, "stop": {time.Second, broker.VerdictRequeue}} {
		synctest.Test(t, func(t *testing.T) {
			fake := &fakeBroker{deliveries: map[string][]event.Delivery{"r": {large}}}
			r := route("r", succeed)
			r.Where = filter(t, `data.pad == "x"`)
			decoding := jsonbody.NewBudget()
			if _, err := decoding.Take(t.Context(), 1<<30); err != nil {
				t.Fatal(err)
			}
			w, err := worker.New(worker.Config{Routes: []worker.Route{r}, Grace: time.Second, Decoding: decoding}, fake, prometheus.NewRegistry(), zap.NewNop())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), c.runs)
			defer cancel()
			if err := w.Run(ctx); err != nil {
				t.Error(err)
			}
			if got := fake.outcomes["r"]; len(got) != 1 || got[0].Verdict != c.want {
				t.Errorf("%s: %+v", name, got)
			}
		})
	}
}
