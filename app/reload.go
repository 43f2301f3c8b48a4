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

// reloader brings into force what has changed in the configuration, as far as that needs no restart: the sources with
// their secrets, and the certificate. What is wrong changes nothing.
type reloader struct {
	file        *config.File
	asked       <-chan os.Signal
	started     *config.Config     // what needs a restart is as it says
	receiver    *receiver.Receiver // nil: a worker alone has nothing to change
	emitter     *schedule.Emitter  // nil as well
	certificate *certificate       // nil: no TLS
	reloads     *prometheus.CounterVec
	success     prometheus.Gauge
	log         *zap.Logger
}

// lookEvery is how often the files are looked at. What has changed is in force after two looks.
const lookEvery = time.Second

const (
	applied = "applied"
	refused = "refused"
)

func newReloader(o Options, rc *receiver.Receiver, em *schedule.Emitter, cert *certificate) *reloader {
	r := &reloader{
		file: o.File, asked: o.Hangup, started: o.Config, receiver: rc, emitter: em, certificate: cert, log: o.Log.Named("config"),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hookline_config_reloads_total",
			Help: "Configurations that were read while it ran."}, []string{"result"}),
		success: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hookline_config_last_reload_success",
			Help: "0 while the configuration file has errors, so that an older one is in force."}),
	}
	for _, result := range []string{applied, refused} {
		r.reloads.WithLabelValues(result)
	}
	r.success.Set(1)
	o.Metrics.MustRegister(r.reloads, r.success)
	return r
}

// run reloads when it is asked to and when the files change, until ctx ends.
func (r *reloader) run(ctx context.Context) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.asked:
			r.reload()
		case <-look.C:
			if r.file.Changed() {
				r.reload()
			}
		}
	}
}

func (r *reloader) reload() {
	next, err := r.file.Read()
	if err == nil {
		err = r.use(next)
	}
	if err != nil {
		r.reloads.WithLabelValues(refused).Inc()
		r.success.Set(0)
		r.log.Error("configuration refused; the one before stays in force", zap.Error(err))
		return
	}
	r.reloads.WithLabelValues(applied).Inc()
	r.success.Set(1)
	if waiting := r.waiting(next); len(waiting) > 0 {
		r.log.Warn("configuration reloaded; some of it needs a restart", zap.Strings("restart_for", waiting))
		return
	}
	r.log.Info("configuration reloaded", zap.Int("sources", len(next.Sources)+len(next.Schedules)))
}

// use puts next into force, or nothing of it.
func (r *reloader) use(next *config.Config) error {
	if r.receiver == nil {
		return nil
	}
	if slices.Contains(next.Changed(r.started), "redact_key") {
		return errors.New("redact_key is another one: it has to change in all receivers and workers at once, so stop them and start them again")
	}
	if err := r.receiver.Reload(sources(next, r.started.Broker)); err != nil {
		return err
	}
	if err := r.emitter.Reload(next.Schedules); err != nil {
		return err
	}
	if r.certificate != nil && next.TLS != nil {
		r.certificate.current.Store(next.TLS)
	}
	return nil
}

// waiting names the keys of next that are not in force until a restart.
func (r *reloader) waiting(next *config.Config) []string {
	keys := slices.DeleteFunc(next.Changed(r.started), func(key string) bool {
		return strings.HasPrefix(key, "sources.") || strings.HasPrefix(key, "tls.")
	})
	if r.started.Broker.Embedded() {
		return keys
	}
	then := spooled(r.started)
	for name, now := range spooled(next) {
		if now != then[name] {
			keys = append(keys, "sources."+name+".when_down")
		}
	}
	slices.Sort(keys)
	return keys
}
