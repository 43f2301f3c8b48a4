package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/hookline/hookline/journal"
)

const (
	// writeTimeout ends a live stream whose reader takes nothing. It asks again by itself, from the last event that it got.
	writeTimeout = 30 * time.Second
	// reconnect is the time in milliseconds after which a browser asks again.
	reconnect = 2000
)

// live streams events of a filter as they are stored, the oldest first, as server-sent events: from the header Last-Event-ID or the parameter
// after on, otherwise from now on.
func (a *API) live(w http.ResponseWriter, r *http.Request) {
	f, after, err := a.liveFrom(r)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	select {
	case a.streams <- struct{}{}:
		defer func() { <-a.streams }()
	default:
		a.refuse(w, r, problemf(http.StatusServiceUnavailable, "Too many live streams", "%d are open. Close one, or list the events again and again.", maxStreams))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // for a proxy: pass on each event at once
	s := stream{w: w, control: http.NewResponseController(w)}
	if s.send("retry: %d\n: events after %s\n\n", reconnect, after) == nil {
		a.follow(r, &s, f, after) // an error means that the reader is gone
	}
}

// liveFrom returns the filter of a live stream, and the cursor behind which it begins.
func (a *API) liveFrom(r *http.Request) (f journal.Filter, after string, err error) {
	if a.parts.Journal == nil {
		return f, "", noJournal()
	}
	q := query{values: r.URL.Query()}
	f, after = q.filter(), q.cursor("after")
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		q.values.Set("Last-Event-ID", last)
		after = q.cursor("Last-Event-ID")
	}
	if err := q.end(); err != nil {
		return f, "", err
	}
	if err := a.seen(r, &f); err != nil || after != "" {
		return f, after, err
	}
	newest, _, err := a.parts.Journal.Events(r.Context(), journal.Filter{}, journal.Page{Limit: 1})
	if err != nil {
		return f, "", err
	}
	after = "0"
	if len(newest) > 0 {
		after = strconv.FormatInt(newest[0].Seq, 10)
	}
	return f, after, nil
}

// follow sends events until the reader is gone, or the journal fails.
func (a *API) follow(r *http.Request, s *stream, f journal.Filter, after string) {
	ping := time.NewTicker(a.parts.Ping)
	defer ping.Stop()
	for {
		changed := a.parts.Journal.Changed() // before the list, so that no commit is missed
		found, next, err := a.parts.Journal.Events(r.Context(), f, journal.Page{After: after})
		if err != nil {
			_ = s.event("problem", after, problemOf(err))
			return
		}
		for i := len(found) - 1; i >= 0; i-- {
			if s.event("stored", strconv.FormatInt(found[i].Seq, 10), eventOf(found[i])) != nil {
				return
			}
		}
		if next != after {
			after = next
			continue
		}
		select {
		case <-changed:
		case <-ping.C:
			if s.send("id: %s\n: ping\n\n", after) != nil {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// stream writes server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// event sends data as JSON, which has no line breaks.
func (s *stream) event(name, id string, data any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(data); err != nil {
		return err
	}
	return s.send("event: %s\nid: %s\ndata: %s\n", name, id, b.Bytes())
}

func (s *stream) send(format string, args ...any) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // a server without deadlines has none
	if _, err := fmt.Fprintf(s.w, format, args...); err != nil {
		return err
	}
	return s.control.Flush()
}
