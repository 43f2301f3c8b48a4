package app

import (
	"path/filepath"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker/spool"
	"github.com/hookline/hookline/receiver"
)

// spoolConfig returns the configuration of a receiver's spool.
func spoolConfig(c *config.Config) spool.Config {
	var routes []string
	for _, r := range c.Routes.Broker() {
		routes = append(routes, r.Name)
	}
	return spool.Config{
		Routes:  routes,
		Sources: spooledSources(c), MaxAge: c.Spool.MaxAge,
		Dir: filepath.Join(c.Data, "spool"), MaxBytes: c.Spool.MaxBytes, Duplicates: c.Duplicates,
	}
}

// spooledSources tells for each source whether its events are spooled while the broker is down.
func spooledSources(c *config.Config) map[string]bool {
	out := make(map[string]bool, len(c.Sources))
	for name, source := range c.Sources {
		out[name] = source.WhenDown != receiver.Refuse
	}
	return out
}
