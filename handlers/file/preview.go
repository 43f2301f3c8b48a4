package file

import (
	"context"
	"path/filepath"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// Preview returns the file that Handle would write. If other content has its name already, Handle would add a hash to the name.
func (h *Handler) Preview(_ context.Context, d event.Delivery) (p handler.Preview, err error) {
	p.Add("path", filepath.Join(h.dir, filepath.FromSlash(h.path.expand(d))))
	p.Add("content", string(d.Event.Data))
	if h.metadata {
		var meta []byte
		meta, err = metadata(d.Event)
		p.Add("metadata", string(meta))
	}
	return p, err
}
