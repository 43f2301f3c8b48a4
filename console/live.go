package console

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/hookline/hookline/journal"
)

const (
	maxStreams = 100              // browsers that are told of changes; more reload by hand
	tellEvery  = time.Second      // changes that follow each other faster are told together
	tellIdle   = 10 * time.Second // without a change; ages on the page grow, and a proxy sees that the stream lives
	tellWithin = 30 * time.Second // a browser that does not read for this time is given up
)

// live tells a browser that there is more to see, until it goes away. A message has the number of the newest event; the browser asks for its
// page again. So the stream has nothing of events.
func (c *Console) live(w http.ResponseWriter, r *http.Request) {
	select {
	case c.streams <- struct{}{}:
		defer func() { <-c.streams }()
	default:
		http.Error(w, "too many browsers look on", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", eventStream)
	w.Header().Set("X-Accel-Buffering", "no")
	to := http.NewResponseController(w)
	for {
		changed := c.changed()
		_ = to.SetWriteDeadline(time.Now().Add(tellWithin)) // a test's recorder has none
		if _, err := fmt.Fprintf(w, "event: change\ndata: %d\n\n", c.newest(r.Context())); err != nil {
			return
		}
		if to.Flush() != nil {
			return
		}
		if !c.waitForChange(r, changed) {
			return
		}
		if _, signedIn := c.visitor(r); !signedIn {
			return
		}
	}
}

// waitForChange returns when there is something to tell, and false at the end of the stream.
func (c *Console) waitForChange(r *http.Request, changed <-chan struct{}) bool {
	idle := time.NewTimer(tellIdle)
	defer idle.Stop()
	select {
	case <-r.Context().Done():
		return false
	case <-c.closed:
		return false
	case <-idle.C:
		return true
	case <-changed:
	}
	soon := time.NewTimer(tellEvery)
	defer soon.Stop()
	select {
	case <-r.Context().Done():
		return false
	case <-c.closed:
		return false
	case <-soon.C:
		return true
	}
}

func (c *Console) changed() <-chan struct{} {
	if c.parts.Journal == nil {
		return nil
	}
	return c.parts.Journal.Changed()
}

// newest returns the number of the newest event, or 0.
func (c *Console) newest(ctx context.Context) int64 {
	if c.parts.Journal == nil {
		return 0
	}
	events, _, err := c.parts.Journal.Events(ctx, journal.Filter{}, journal.Page{Limit: 1})
	if err != nil || len(events) == 0 {
		return 0
	}
	return events[0].Seq
}
