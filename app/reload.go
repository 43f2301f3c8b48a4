package app

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/receiver"
	"github.com/hookline/hookline/schedule"
)

// reloader applies changes of the configuration that need no restart: the sources with their secrets, the schedules and
// the certificate. A configuration with errors changes nothing.
type reloader struct {
	file        *config.File
	hangup      <-chan os.Signal
	started     *config.Config     // the configuration at the start; still in force where a change needs a restart
	receiver    *receiver.Receiver // nil in a worker, which has nothing to change
	emitter     *schedule.Emitter  // nil in a worker
	certificate *certificate       // nil without TLS
	reloads     *prometheus.CounterVec
	success     prometheus.Gauge
	log         *zap.Logger
}

// lookEvery is the time between two looks at the files. A change is in force after two looks.
const lookEvery = time.Second

const (
	applied = "applied"
	refused = "refused"
)

// newReloader returns a reloader that changes nothing yet: its parts are set when they are made.
func newReloader(o Options) *reloader {
	r := &reloader{
		file: o.File, hangup: o.Hangup, started: o.Config, log: o.Log.Named("config"),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hookline_config_reloads_total",
			Help: "Times that the configuration was read again after the start."}, []string{"result"}),
		success: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hookline_config_last_reload_success",
			Help: "0 while the configuration file has errors and an older configuration is in force, else 1."}),
	}
	for _, result := range []string{applied, refused} {
		r.reloads.WithLabelValues(result)
	}
	r.success.Set(1)
	o.Metrics.MustRegister(r.reloads, r.success)
	return r
}

// run reloads at each hangup and when the files change, until ctx ends.
func (r *reloader) run(ctx context.Context) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.hangup:
			r.reload()
		case <-look.C:
			if r.file.Changed() {
				r.reload()
			}
		}
	}
}

func (r *reloader) reload() {
	read := r.file.Read
	if r.receiver == nil {
		read = r.file.ReadWorker
	}
	next, err := read()
	if err == nil {
		err = r.use(next)
	}
	if err != nil {
		r.reloads.WithLabelValues(refused).Inc()
		r.success.Set(0)
		r.log.Error("configuration refused; the previous one stays in force", zap.Error(err))
		return
	}
	r.reloads.WithLabelValues(applied).Inc()
	r.success.Set(1)
	if waiting := r.waiting(next); len(waiting) > 0 {
		r.log.Warn("configuration reloaded; some changes need a restart", zap.Strings("restart_for", waiting))
		return
	}
	r.log.Info("configuration reloaded", zap.Int("sources", len(next.Sources)+len(next.Schedules)))
}

// use applies next as a whole, or returns an error and applies nothing.
func (r *reloader) use(next *config.Config) error {
	if r.receiver == nil {
		return nil
	}
	if slices.Contains(next.Changed(r.started), "redact_key") {
		return errors.New("redact_key has changed: all receivers and workers must change it together, so stop all of them and start them again")
	}
	if err := r.receiver.Reload(next.CheckedSources); err != nil {
		return err
	}
	r.emitter.Reload(next.CheckedSchedules)
	if r.certificate != nil && next.TLS.Certificate != nil {
		r.certificate.current.Store(next.TLS.Certificate)
	}
	return nil
}

// waiting returns the keys of next that need a restart.
func (r *reloader) waiting(next *config.Config) []string {
	keys := slices.DeleteFunc(next.Changed(r.started), func(key string) bool {
		return strings.HasPrefix(key, "sources.") || strings.HasPrefix(key, "tls.")
	})
	if r.started.Broker.Embedded() {
		return keys
	}
	then := spooledSources(r.started)
	for name, now := range spooledSources(next) {
		if now != then[name] {
			keys = append(keys, "sources."+name+".when_down")
		}
	}
	slices.Sort(keys)
	return keys
}
