package transfer

import (
	"context"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// Preview returns the job of the event and the names of the files that Handle would look for.
func (h *Handler) Preview(_ context.Context, d event.Delivery) (p handler.Preview, err error) {
	job, err := h.job(d.Event)
	if err != nil {
		return p, err
	}
	pattern, err := h.find.pattern(job)
	if err != nil {
		return p, err
	}
	p.Add("job", job.ID)
	p.Add("link", job.Link)
	p.Add("folder", h.find.dir)
	p.Add("files", pattern.String())
	p.Unknown = []string{"no file is fetched, so changes of records, formats and outputs are not compared"}
	return p, nil
}
