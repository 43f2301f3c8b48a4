package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
)

// queueCollector counts the events in the broker's queues at each scrape. Every process reports the same figures, so a query
// takes the maximum over processes. While the broker is down, hookline_broker_connected is 0 and this metric is absent.
type queueCollector struct {
	inspector broker.Inspector
	waiting   *prometheus.Desc
	consumers *prometheus.Desc
	log       *zap.Logger
}

const inspectTimeout = 3 * time.Second

func newQueueCollector(inspector broker.Inspector, log *zap.Logger) *queueCollector {
	return &queueCollector{
		inspector: inspector,
		waiting: prometheus.NewDesc("hookline_broker_queue_waiting", "Events in a queue that no worker holds.",
			[]string{"queue", "role", "route"}, nil),
		consumers: prometheus.NewDesc("hookline_broker_external_consumers", "Consumers of the queue of an external route.", []string{"route"}, nil),
		log:       log.Named("queues"),
	}
}

// Describe implements prometheus.Collector.
func (c *queueCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.waiting
	ch <- c.consumers
}

// Collect implements prometheus.Collector.
func (c *queueCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), inspectTimeout)
	defer cancel()
	queues, err := c.inspector.Queues(ctx)
	if err != nil {
		c.log.Debug("queues cannot be counted", zap.Error(err))
		return
	}
	for _, q := range queues {
		if q.Missing {
			continue
		}
		ch <- prometheus.MustNewConstMetric(c.waiting, prometheus.GaugeValue, float64(q.Waiting), q.Name, string(q.Role), q.Route)
		if q.Role == broker.RoleExternal {
			ch <- prometheus.MustNewConstMetric(c.consumers, prometheus.GaugeValue, float64(q.Consumers), q.Route)
		}
	}
}
