package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/handlers/file"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/privacy"
)

// ExportedFile is a file of an event.
type ExportedFile struct {
	Route string `json:"route"`
	File  string `json:"file"` // absolute
}

// exports are the places to which the routes of a configuration hand events on.
type exports struct {
	folders     []routeFolder
	notSearched []NotSearched
}

// routeFolder is the folder of a route's handler of kind file.
type routeFolder struct {
	route string
	*file.Handler
}

func newExports(c *config.Config) (e exports) {
	for i := range c.Routes {
		r := &c.Routes[i]
		reason := "the handler's target can have copies"
		switch h := r.Plain.(type) {
		case *file.Handler:
			e.folders = append(e.folders, routeFolder{r.Name, h})
			continue
		case nil:
			reason = "the handler's configuration has an error here, so its target is unknown"
		}
		if r.External {
			reason = "the program that consumes the queue can have copies"
		}
		if r.HandlerPart.Kind != "reconcile" { // it stores no events
			e.notSearched = append(e.notSearched, NotSearched{Route: r.Name, Kind: cmp.Or(r.HandlerPart.Kind, "external"), Reason: reason})
		}
	}
	e.notSearched = append(e.notSearched, notSearchedData(c)...)
	return e
}

// find adds the files that have the mention to found, each once, and the places that were not searched.
func (e exports) find(ctx context.Context, m privacy.Mention, found *Found) error {
	seen := map[string]bool{}
	found.NotSearched = append(found.NotSearched, e.notSearched...)
	_, err := e.erase(ctx, func(route string, x file.Exported) bool {
		switch {
		case seen[x.Name]:
		case isNamed(m, x):
			found.Files = append(found.Files, ExportedFile{route, x.Name})
		case !privacy.Searchable(event.Event{Data: x.Body}):
			found.UnsearchedFiles++
		}
		seen[x.Name] = true
		return false
	}, func(f routeFolder) {
		found.NotSearched = append(found.NotSearched, NotSearched{Route: f.route, Kind: "file", Reason: fmt.Sprintf("the folder %s is missing on this machine", f.Dir())})
	})
	return err
}

// erase removes the picked files, and returns their number. It calls missing for each folder that does not exist.
func (e exports) erase(ctx context.Context, pick func(string, file.Exported) bool, missing func(routeFolder)) (removed int, err error) {
	var errs []error
	for _, f := range e.folders {
		n, err := f.Erase(ctx, func(x file.Exported) bool { return pick(f.route, x) })
		removed += n
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing(f)
		case err != nil:
			errs = append(errs, fmt.Errorf("route %s: %w", f.route, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return removed, errors.Join(errs...)
}

// isNamed reports whether a file or its metadata has the mention.
func isNamed(m privacy.Mention, x file.Exported) bool {
	return m.InText(x.ID) || m.InText(string(x.Body)) || m.InText(string(x.Metadata))
}
