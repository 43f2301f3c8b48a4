package spool

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// collector reads the store at each scrape.
type collector struct {
	spool                                *Spool
	waiting, dead, bytes, oldest, usable *prometheus.Desc
}

func newCollector(s *Spool) collector {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("hookline_spool_"+name, help, nil, nil)
	}
	return collector{
		spool:   s,
		waiting: desc("waiting", "Events in the spool that wait for the broker."),
		dead:    desc("dead_letters", "Events in the spool that the broker has refused for good; see hookline dead list @spool."),
		bytes:   desc("bytes", "Bytes in use of the spool's file; some ten thousand without events."),
		oldest:  desc("oldest_age_seconds", "Age of the oldest waiting event in the spool since its receipt; 0 if none waits."),
		usable:  desc("usable", "0 while the spool can store no event; 1 otherwise, also without spooled sources."),
	}
}

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.waiting, c.dead, c.bytes, c.oldest, c.usable} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	usable := 1.0
	if c.spool.cfg.Used() && c.spool.usable(ctx) != nil {
		usable = 0
	}
	gauge(c.usable, usable)
	waiting, dead, bytes, err := c.spool.store.Size(ctx)
	if err != nil {
		c.spool.log.Debug("the events in the spool cannot be counted", zap.Error(err))
		return
	}
	gauge(c.waiting, float64(waiting))
	gauge(c.dead, float64(dead))
	gauge(c.bytes, float64(bytes))
	oldest, err := c.spool.store.Oldest(ctx)
	if err != nil {
		c.spool.log.Debug("the spool cannot be read", zap.Error(err))
		return
	}
	age := 0.0
	if !oldest.IsZero() {
		age = time.Since(oldest).Seconds()
	}
	gauge(c.oldest, age)
}
