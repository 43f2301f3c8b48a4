package reconcile

import (
	"context"
	"strings"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// Preview tells whether Handle would record the end of a job, or ask Alma for missing ones.
func (r *reconciler) Preview(_ context.Context, d event.Delivery) (p handler.Preview, err error) {
	if d.Event.Action == jobEnd {
		p.Add("arrived", d.Event.ID)
		return p, nil
	}
	p.Add("jobs", strings.Join(r.cfg.Jobs, "\n"))
	p.AddSecret("url", r.cfg.URL)
	p.Unknown = []string{"Alma is not asked, so the ends of jobs that never arrived are not known"}
	return p, nil
}
