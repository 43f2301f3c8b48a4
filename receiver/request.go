package receiver

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
)

// way is what is done with a request for a source. It only decides: rc.serve writes, counts and logs the answer.
type way func(w http.ResponseWriter, r *http.Request, s *source, start time.Time) *answer

// endpoint serves requests whose path names this source, "" if it names none.
type endpoint func(w http.ResponseWriter, r *http.Request, name string)

// ServeHTTP makes an endpoint something that a router can hold.
func (e endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) { e(w, r, mux.Vars(r)["source"]) }

// dispatch does what the router's ServeHTTP does, without the two copies of the request that it makes to keep in them what
// it found, and without its redirects to a cleaned path, which no sender follows with its POST.
func dispatch(router *mux.Router) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var found mux.RouteMatch
		router.Match(r, &found) // always something: the router has a NotFoundHandler, and a route for every method
		found.Handler.(endpoint)(w, r, found.Vars["source"])
	})
}

// source finds the source that the path names.
func (rc *Receiver) source(do way) endpoint {
	return func(w http.ResponseWriter, r *http.Request, name string) {
		if s, ok := (*rc.sources.Load())[name]; ok {
			rc.serve(s, do, w, r)
			return
		}
		rc.nowhere(w, r, name)
	}
}

func (rc *Receiver) nowhere(w http.ResponseWriter, r *http.Request, _ string) {
	rc.serve(rc.nobody, noSuchSource, w, r)
}

func (rc *Receiver) serve(s *source, do way, w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	s.metrics.inFlight.Inc()
	defer s.metrics.inFlight.Dec()
	a := guarded(do, w, r, s, start)
	rc.audit(s, a)
	a.write(w)
	took := time.Since(start)
	s.metrics.requests[a.code].Inc()
	s.metrics.requestSeconds.Observe(took.Seconds())
	rc.report(s, r, a, took)
}

// guarded turns a panic into a 503: one bad message must not take the others down.
func guarded(do way, w http.ResponseWriter, r *http.Request, s *source, start time.Time) (a *answer) {
	defer func() {
		if p := recover(); p != nil {
			a = unavailable(panicked, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	return do(w, r, s, start)
}

// report writes the one log line of a request. Lines that anybody can cause are limited in number, as nobody without a
// secret shall fill the disk; the counters have them all.
func (rc *Receiver) report(s *source, r *http.Request, a *answer, took time.Duration) {
	source, duration := zap.String("source", s.name), zap.Duration("took", took)
	switch {
	case a.reason == "":
		level, text := zap.InfoLevel, "event stored"
		if a.unrouted {
			level, text = zap.WarnLevel, "event stored, but no route takes it: see `hookline unrouted list`"
		}
		rc.log.Log(level, text, source, duration, zap.String("id", a.event.ID), zap.String("action", a.event.Action), zap.Int("bytes", len(a.event.Data)), zap.String("secret", a.secret))
	case a.reason == broker.CountDuplicate:
		rc.log.Info("event is a duplicate: it was stored before", source, duration, zap.String("id", a.event.ID), zap.String("action", a.event.Action), zap.String("secret", a.secret))
	case a.event.ID != "":
		rc.log.Error("event not stored", source, duration, zap.String("id", a.event.ID), zap.String("action", a.event.Action), zap.String("reason", a.reason), zap.Error(a.err))
	case !rc.strangers.Allow():
	case a.reason == handshakeAnswered:
		rc.log.Info(handshakeAnswered, source, duration)
	case a.code == http.StatusServiceUnavailable:
		rc.log.Error("request not served", source, duration, zap.String("reason", a.reason), zap.Error(a.err))
	default:
		rc.log.Warn("request refused", source, duration, zap.Int("code", a.code), zap.String("reason", a.reason), zap.String("method", clip(r.Method, 16)),
			zap.String("path", clip(r.URL.Path, 128)), zap.String("client", rc.client(r)), zap.Error(a.err))
	}
}
