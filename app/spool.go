package app

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

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/broker/spool"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/receiver"
)

// spooling is a spool and what is below it.
type spooling struct {
	*spool.Spool
	store spoolStore
}

type spoolStore interface {
	spool.Store
	Close(ctx context.Context) error
}

// openSpool opens the spool of a receiver; nil with the embedded line, which is a disk itself. What was acknowledged is handed
// on even if no source is spooled any more.
func openSpool(c *config.Config, b broker.Broker, reg prometheus.Registerer, log *zap.Logger) (*spooling, error) {
	if c.Broker.Embedded() {
		return nil, nil
	}
	cfg := spool.Config{Sources: spooled(c), MaxAge: c.Spool.MaxAge}
	file := embedded.Config{
		Path: filepath.Join(c.Data, "spool", "spool.db"), Routes: []broker.Route{spool.Route()},
		MaxBytes: c.Spool.MaxBytes, Duplicates: c.Duplicates, CheckFirst: true,
	}
	var store spoolStore = noStore{}
	if _, err := os.Stat(file.Path); err == nil || cfg.Used() {
		store = openSpoolStore(file, log)
	}
	s, err := spool.New(cfg, b, store, b, reg, log)
	if err != nil {
		return nil, errors.Join(err, store.Close(context.Background()))
	}
	return &spooling{s, store}, nil
}

// spoolName is a name that the spool keeps, wherever its folder is moved or mounted; empty where there is no spool.
func spoolName(c *config.Config) (string, error) {
	file := filepath.Join(c.Data, "spool", "name")
	name, err := os.ReadFile(file)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", err
	case len(name) > 0: // a full disk may have left it empty
		return string(name), nil
	case !spool.Config{Sources: spooled(c)}.Used():
		return "", nil
	}
	made := rand.Text()
	return made, errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(made), 0o600))
}

// spooled says of each source whether its events are spooled.
func spooled(c *config.Config) map[string]bool {
	out := make(map[string]bool, len(c.Sources))
	for name, source := range c.Sources {
		out[name] = source.WhenDown != receiver.Refuse
	}
	return out
}

// openSpoolStore opens the spool's database. Whatever is wrong with it, the receiver starts: while the line is well, nobody needs
// the spool. A damaged database is kept aside, and what can be read of it is taken over.
func openSpoolStore(cfg embedded.Config, log *zap.Logger) spoolStore {
	open := func() (*embedded.Broker, error) {
		return embedded.Open(cfg, prometheus.NewRegistry(), log) // of its own, since the names are the line's
	}
	store, err := open()
	if errors.Is(err, embedded.ErrDamaged) {
		aside, moved := embedded.SetAside(cfg.Path, time.Now())
		log.Error("the spool is damaged: it is kept under another name, and a new one begun", zap.String("kept", aside), zap.NamedError("moved", moved), zap.Error(err))
		if store, err = open(); err == nil {
			saved, damage := store.Salvage(context.Background(), aside)
			log.Error("what could be read of the damaged spool is in the new one; what is behind the damage is not", zap.Int("events", saved), zap.NamedError("damage", damage))
		}
	}
	if err != nil {
		log.Error("the spool cannot be used: what the line does not store is answered 503 until this is put right and the receiver started again", zap.Error(err))
		return noStore{err}
	}
	return store
}

// noStore stands where no source is spooled, or where the spool's database cannot be opened: then it holds why.
type noStore struct{ err error }

func (n noStore) Publish(context.Context, event.Event) error {
	return cmp.Or(n.err, errors.New("no source is spooled"))
}
func (n noStore) Ready() error                                        { return n.err }
func (n noStore) Oldest(context.Context) (time.Time, error)           { return time.Time{}, n.err }
func (n noStore) Size(context.Context) (events int, b int64, e error) { return 0, 0, n.err }
func (n noStore) Sources(context.Context) (map[string]int64, error)   { return map[string]int64{}, n.err }
func (n noStore) Close(context.Context) error                         { return nil }

// Consume waits for the end: there is nothing to bring.
func (n noStore) Consume(ctx context.Context, _ broker.Route, _ broker.Process) error {
	<-ctx.Done()
	return nil
}
