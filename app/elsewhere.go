package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/broker/rabbitmq"
)

// Elsewhere are stored events of a data folder on a broker that the configuration does not name.
type Elsewhere struct {
	// Place is the database of the embedded broker, or the addresses of RabbitMQ without users and passwords.
	Place string `json:"place"`
	// Events counts an event once for each of its routes. It is -1 if nobody can count them.
	Events int `json:"events"`
	// Routes are the routes of the events, sorted.
	Routes []string `json:"routes,omitempty"`
}

// ErrElsewhere says that stored events would be left behind.
var ErrElsewhere = errors.New("stored events would be left behind")

// elsewhereTimeout bounds the look at a database.
const elsewhereTimeout = 10 * time.Second

// FindElsewhere looks for events on the broker that was used with the data folder before. It returns nil if there is none.
func FindElsewhere(c *config.Config) (*Elsewhere, error) {
	if c.Broker.Embedded() {
		return lastRabbitMQ(c)
	}
	if found, err := inDatabase(c); found != nil || err != nil {
		return found, err
	}
	return lastRabbitMQ(c)
}

// inDatabase looks into the embedded broker's database.
func inDatabase(c *config.Config) (*Elsewhere, error) {
	cfg := embedded.Config{Path: filepath.Join(c.Data, "line.db")}
	if _, err := os.Stat(cfg.Path); isMissing(err) {
		return nil, nil //nolint:nilnil // nothing is elsewhere
	}
	attached, err := embedded.Attach(cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), elsewhereTimeout)
	defer cancel()
	queues, err := attached.Queues(ctx)
	if err := errors.Join(err, attached.Close(ctx)); err != nil {
		return nil, err
	}
	found := &Elsewhere{Place: filepath.Join(c.DataFolder(), "line.db")}
	for _, q := range queues {
		found.Events += q.Waiting
		if q.Route != "" && !slices.Contains(found.Routes, q.Route) {
			found.Routes = append(found.Routes, q.Route)
		}
	}
	if found.Events == 0 {
		return nil, nil //nolint:nilnil // nothing is elsewhere
	}
	slices.Sort(found.Routes)
	return found, nil
}

// isMissing reports whether a file of the data folder does not exist, also because something else has the folder's name.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// rememberedFile returns the file with the addresses of the RabbitMQ that stored events of the data folder last.
func rememberedFile(c *config.Config) string { return filepath.Join(c.Data, "rabbitmq") }

// lastRabbitMQ returns the RabbitMQ that was used last, unless the configuration names one of its nodes.
func lastRabbitMQ(c *config.Config) (*Elsewhere, error) {
	text, err := os.ReadFile(rememberedFile(c))
	if isMissing(err) || len(text) == 0 && err == nil {
		return nil, nil //nolint:nilnil // nothing is elsewhere
	}
	if err != nil {
		return nil, fmt.Errorf("data: the RabbitMQ that was used last is unknown: %w", err)
	}
	last := strings.Fields(string(text))
	if !c.Broker.Embedded() {
		for _, address := range rabbitMQ(c).Addresses() {
			if slices.Contains(last, address) {
				return nil, nil //nolint:nilnil // it is the same cluster
			}
		}
	}
	return &Elsewhere{Place: strings.Join(last, " "), Events: -1}, nil
}

// checkElsewhere returns ErrElsewhere with the next step if stored events would be left behind.
func checkElsewhere(c *config.Config) error {
	found, err := FindElsewhere(c)
	if found == nil || err != nil {
		return err
	}
	return fmt.Errorf("%w: %s", ErrElsewhere, found.Advice())
}

// Advice says in a few sentences where the events are, and the next step.
func (e *Elsewhere) Advice() string {
	if e.Events < 0 {
		return fmt.Sprintf("until now this data folder's events went to RabbitMQ at %s, and broker.url names another broker now. "+
			"If events wait there, set broker.url back until `hookline queues` shows none. "+
			"If none wait there, or it is the same RabbitMQ under a new address: `hookline move --abandon`", e.Place)
	}
	return fmt.Sprintf("%s of the embedded broker has %d events, and broker.url names RabbitMQ now. "+
		"`hookline move` puts them into RabbitMQ's queues; `hookline move --abandon` leaves them behind", e.Place, e.Events)
}

// remember writes down the RabbitMQ that stores events from now on.
func remember(c *config.Config, log *zap.Logger) {
	text := strings.Join(rabbitMQ(c).Addresses(), "\n") + "\n"
	if now, err := os.ReadFile(rememberedFile(c)); err == nil && string(now) == text {
		return
	}
	err := os.MkdirAll(c.Data, 0o700)
	if err == nil {
		err = os.WriteFile(rememberedFile(c), []byte(text), 0o600)
	}
	if err != nil {
		log.Warn("the data folder cannot be written; a later change of broker.url will not be noticed", zap.Error(err))
	}
}

// Move moves every event of the embedded broker's database to the queues of RabbitMQ, which it declares first. It returns the number of
// moved events, counted once for each route. It fails if a process runs the embedded broker, or a route is not in the configuration.
func Move(ctx context.Context, c *config.Config) (moved int, err error) {
	found, err := inDatabase(c)
	if found == nil || err != nil {
		return 0, err
	}
	cfg := embeddedConfig(c)
	for _, route := range found.Routes {
		if !slices.ContainsFunc(cfg.Routes, func(r broker.Route) bool { return r.Name == route }) {
			return 0, fmt.Errorf("%s has events of the route %s, which is not in the configuration: add the route first; with `where: \"false\"` its events are done without a handler", found.Place, route)
		}
	}
	if _, err := ApplyTopology(ctx, c); err != nil {
		return 0, err
	}
	cfg.CheckFirst = true
	from, err := embedded.Open(cfg, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		return 0, err
	}
	to, err := rabbitmq.Attach(rabbitMQ(c))
	if err != nil {
		return 0, errors.Join(err, from.Close(ctx))
	}
	moved, err = from.Move(ctx, to.Adopt)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return moved, errors.Join(err, to.Close(closing), from.Close(closing))
}

// Abandon leaves the events behind that FindElsewhere finds: it renames the embedded broker's database, or forgets the RabbitMQ that was
// used last. It returns the new name of the database, or "".
func Abandon(c *config.Config) (string, error) {
	found, err := FindElsewhere(c)
	switch {
	case err != nil || found == nil:
		return "", err
	case found.Events < 0:
		return "", os.Remove(rememberedFile(c))
	}
	return embedded.Abandon(found.Place, time.Now())
}
