package spool

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/pkg/event"
)

// Store keeps spooled events on the disk. An embedded.Broker with Route is one. Events outlive the process, however it ends.
type Store interface {
	broker.Publisher
	broker.Consumer
	// PublishTo stores an event for queues of Direct, and returns broker.ErrDuplicate as Publish does.
	PublishTo(ctx context.Context, e event.Event, queues []string) error
	// Direct returns the names of all queues for events that only some routes lack. They never change.
	Direct() []string
	// Ready returns nil if an event can be stored now.
	Ready() error
	// Oldest returns the time at which the receiver took the waiting event that was stored first, and the zero time if none waits.
	Oldest(ctx context.Context) (time.Time, error)
	// OldestUnrefused is Oldest of those events of a route that no attempt has ended with the reason "refused".
	OldestUnrefused(ctx context.Context, route string) (time.Time, error)
	// Size returns the numbers of waiting events and of dead letters, and the number of bytes in use on the disk.
	Size(ctx context.Context) (waiting, dead int, bytes int64, err error)
	// Sources returns the number of events of each source. Without an error it is never nil.
	Sources(ctx context.Context) (map[string]int64, error)
	Close(ctx context.Context) error
}

// Route returns the one route of a Store. It delivers one event at a time, so that events keep their order, and a live event never
// waits behind more than one spooled event.
func Route() broker.Route { return broker.Route{Name: "spool", Match: []string{"#"}, Concurrency: 1} }

// Open opens the spool in cfg.Dir. It opens existing files even if cfg spools no source any more, because their events are
// acknowledged. Files that cannot be opened are logged and are no error: a receiver needs no spool as long as the broker is ready.
func Open(cfg Config, b Broker, counter Counter, reg prometheus.Registerer, log *zap.Logger) (*Spool, error) {
	file := databaseConfig(cfg.Dir)
	file.Direct = append([]string{}, queues(cfg.Routes)...) // not nil, so that queues of a former configuration are found
	file.MaxBytes, file.Duplicates, file.CheckFirst = cfg.MaxBytes, cfg.Duplicates, true
	var store Store = noStore{}
	if _, err := os.Stat(file.Path); err == nil || cfg.Used() {
		store = openStore(file, log)
	}
	s, err := New(cfg, b, store, counter, reg, log)
	if err != nil {
		return nil, errors.Join(err, store.Close(context.Background()))
	}
	if database, ok := store.(*embedded.Broker); ok {
		if s.counts, err = openCounts(context.Background(), cfg.Dir, database, log); err != nil {
			log.Error("the spool has no counts outside its database; a loss of the database may stay unseen", zap.Error(err))
		}
	}
	return s, nil
}

// databaseConfig returns the configuration of the database in a spool's folder.
func databaseConfig(dir string) embedded.Config {
	return embedded.Config{Path: filepath.Join(dir, "spool.db"), Routes: []broker.Route{Route()}}
}

// openStore opens the database. If it is damaged, openStore renames it, opens a new one, and copies every readable event.
func openStore(cfg embedded.Config, log *zap.Logger) Store {
	open := func() (*embedded.Broker, error) {
		return embedded.Open(cfg, prometheus.NewRegistry(), log) // a registry of its own, because the broker's metrics have the same names
	}
	store, err := open()
	if errors.Is(err, embedded.ErrDamaged) {
		damaged, renameErr := embedded.RenameDamaged(cfg.Path, time.Now())
		log.Error("the spool is damaged; it was renamed, and a new spool is used", zap.String("damaged", damaged), zap.NamedError("rename", renameErr), zap.Error(err))
		if store, err = open(); err == nil {
			events, damage := store.Salvage(context.Background(), damaged)
			log.Error("the new spool has the events before the damage; the events behind it are in the renamed file only", zap.Int("events", events), zap.NamedError("damage", damage))
		}
	}
	if err != nil {
		log.Error("the spool cannot be used; while the broker is down, events are answered 503. Repair the spool and restart the receiver", zap.Error(err))
		return noStore{err}
	}
	return store
}

// Name returns a name that a spool keeps when its folder is moved or mounted elsewhere. It returns "" if there is no spool.
func Name(cfg Config) (string, error) {
	file := filepath.Join(cfg.Dir, "name")
	name, err := os.ReadFile(file)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", err
	case len(name) > 0: // a full disk can have left it empty
		return string(name), nil
	case !cfg.Used():
		return "", nil
	}
	made := rand.Text()
	return made, errors.Join(os.MkdirAll(cfg.Dir, 0o700), os.WriteFile(file, []byte(made), 0o600))
}

// noStore is the Store of a receiver without spooled sources, or, with err, of a database that cannot be opened.
type noStore struct{ err error }

func (n noStore) Publish(context.Context, event.Event) error {
	return cmp.Or(n.err, errors.New("no source is spooled"))
}
func (n noStore) PublishTo(ctx context.Context, e event.Event, _ []string) error {
	return n.Publish(ctx, e)
}
func (n noStore) Direct() []string                          { return nil }
func (n noStore) Ready() error                              { return n.err }
func (n noStore) Oldest(context.Context) (time.Time, error) { return time.Time{}, n.err }
func (n noStore) OldestUnrefused(context.Context, string) (time.Time, error) {
	return time.Time{}, n.err
}
func (n noStore) Size(context.Context) (waiting, dead int, bytes int64, err error) {
	return 0, 0, 0, n.err
}
func (n noStore) Sources(context.Context) (map[string]int64, error) { return map[string]int64{}, n.err }
func (n noStore) Close(context.Context) error                       { return nil }

// Consume waits until ctx ends.
func (n noStore) Consume(ctx context.Context, _ broker.Route, _ broker.Process) error {
	<-ctx.Done()
	return nil
}
