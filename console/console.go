// Package console serves pages that show where each event is and why, and on which a person acts: in place of a status field of a database
// queue.
//
// The pages are made on the server and can be read without JavaScript. All data comes through the interfaces of Parts; all text of events
// is shown as text. Each request is checked in this order: host, origin, session, role.
package console

import (
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
)

// Console is the pages with their sessions. It is safe for concurrent use.
type Console struct {
	cfg      Config
	parts    Parts
	log      *zap.Logger
	now      func() time.Time
	zone     *time.Location
	pages    map[string]*template.Template
	build    string // of the assets' addresses, so that a browser asks for new ones after an upgrade
	audit    *latest[broker.Audit]
	queues   *latest[[]broker.QueueInfo]
	users    users
	attempts *attempts
	sessions *sessions
	first    string
	token    token
	streams  chan struct{} // holds one for each browser that is told of changes
	closed   chan struct{}
	closing  sync.Once
}

// New returns the pages. It makes the password of the user admin if there are no others and no start has made it before.
func New(cfg Config, parts Parts) (*Console, error) {
	zone, err := time.LoadLocation(cfg.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("console: time_zone: %w (write one such as Europe/Vienna)", err)
	}
	if cfg.TimeZone == "" {
		zone = time.Local
	}
	c := &Console{
		cfg: cfg, parts: parts, log: parts.Log, now: parts.Now, zone: zone, build: rand.Text()[:8],
		attempts: newAttempts(), sessions: newSessions(cfg.Session),
		streams: make(chan struct{}, maxStreams), closed: make(chan struct{}),
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.log == nil {
		c.log = zap.NewNop()
	}
	if cfg.Login {
		c.users, c.first, err = newUsers(cfg.Users, filepath.Join(cfg.Dir, "password"))
		if err != nil {
			return nil, fmt.Errorf("console: %w", err)
		}
		if c.token, err = ensureToken(filepath.Join(cfg.Dir, TokenFile)); err != nil {
			return nil, fmt.Errorf("console: %w", err)
		}
	}
	if parts.Auditor == nil || parts.Inspector == nil {
		return nil, errors.New("console: no broker")
	}
	c.audit = newLatest(parts.Auditor.Audit, c.now)
	c.queues = newLatest(parts.Inspector.Queues, c.now)
	if c.pages, err = c.parse(); err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	return c, nil
}

// FirstPassword returns the password of the user admin if New has made it, otherwise "". Show it once: only its hash is kept.
func (c *Console) FirstPassword() string { return c.first }

// Close ends the streams to browsers, so that a listener can shut down. The pages stay.
func (c *Console) Close() { c.closing.Do(func() { close(c.closed) }) }

// Handler returns the pages. Serve them on a listener of their own.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/{file}", c.asset)
	mux.HandleFunc("GET /login", c.loginPage)
	mux.HandleFunc("POST /login", c.login)
	mux.HandleFunc("POST /logout", c.logout)
	mux.Handle("GET /{$}", c.may(Look, c.home))
	mux.Handle("GET /events", c.may(Look, c.events))
	mux.Handle("GET /events/{seq}", c.may(Look, c.event))
	mux.Handle("GET /events/{seq}/body", c.may(Bodies, c.download))
	mux.Handle("GET /failures", c.may(Look, c.failures))
	mux.Handle("GET /unrouted", c.may(Look, c.unrouted))
	mux.Handle("GET /routes", c.may(Look, c.routes))
	mux.Handle("POST /routes/{route}/pause", c.may(Act, c.pause))
	mux.Handle("POST /routes/{route}/resume", c.may(Act, c.resume))
	c.handleJobs(mux)
	mux.Handle("GET /live", c.may(Look, c.live))
	mux.Handle("GET /keys", c.may(Look, c.keys))
	mux.Handle("GET /", c.may(Look, c.notFound))
	if c.parts.API != nil {
		mux.HandleFunc("GET "+apiPrefix, c.serveAPI)
		mux.HandleFunc("POST "+apiPrefix, c.serveAPI)
	}
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(c.foreign))
	return c.guard(crossOrigin.Handler(mux))
}

func (c *Console) handleJobs(mux *http.ServeMux) {
	mux.Handle("GET /jobs", c.may(Look, c.jobs))
	mux.Handle("GET /jobs/{id}", c.may(Look, c.job))
	mux.Handle("GET /who", c.may(Look, c.who))
	mux.Handle("POST /plan", c.may(Act, c.plan))
	mux.Handle("POST /jobs/{id}/start", c.may(Act, c.startJob))
	mux.Handle("POST /jobs/{id}/pause", c.may(Act, c.pauseJob))
	mux.Handle("POST /jobs/{id}/resume", c.may(Act, c.resumeJob))
	mux.Handle("POST /jobs/{id}/stop", c.may(Act, c.stopJob))
}
