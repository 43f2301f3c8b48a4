package app

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hookline/hookline/app/config"
)

// NotSearched is a place that can have copies of events out of reach: the target of a route's handler, a file, or another broker.
type NotSearched struct {
	Route string `json:"route,omitempty"`
	// Kind is the kind of the route's handler, or external.
	Kind string `json:"kind,omitempty"`
	// Place is the file or the broker, if it belongs to no route.
	Place  string `json:"place,omitempty"`
	Reason string `json:"reason"`
}

// notSearchedData returns the databases of the data folder that were renamed because they were damaged or left behind, the journal, and
// another broker that can have events of the data folder.
func notSearchedData(c *config.Config) (places []NotSearched) {
	for _, pattern := range []string{"line.db.damaged-*", "line.db.abandoned-*", "spool/spool.db.damaged-*"} {
		names, _ := fs.Glob(os.DirFS(c.Data), pattern) // an unreadable folder has been an error before
		for _, name := range names {
			places = append(places, NotSearched{Place: filepath.Join(c.DataFolder(), name), Reason: "it was set aside with its events: delete it when nobody needs it"})
		}
	}
	journal := filepath.Join(c.DataFolder(), "journal")
	if _, err := os.Stat(filepath.Join(journal, "journal.db")); err == nil {
		places = append(places, NotSearched{Place: journal, Reason: "it has the history of all events for " + c.Journal.Keep.String() + ": stop Hookline and delete the folder, or wait"})
	}
	switch found, err := FindElsewhere(c); {
	case err != nil:
		places = append(places, NotSearched{Place: c.DataFolder(), Reason: err.Error()})
	case found != nil:
		places = append(places, NotSearched{Place: found.Place, Reason: found.Advice()})
	}
	return places
}
