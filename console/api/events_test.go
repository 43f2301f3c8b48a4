package api_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/hookline/hookline/console/api"
	"github.com/hookline/hookline/pkg/event"
)

func list(events ...event.Event) []event.Event { return events }

// get reads an answer as T.
func get[T any](i *installation, path string) (v T) {
	i.t.Helper()
	status, body, _ := i.fetch(i.request(http.MethodGet, path, ""))
	if err := json.Unmarshal([]byte(body), &v); status != http.StatusOK || err != nil {
		i.t.Fatalf("%s: %d, %v: %s", path, status, err, body)
	}
	return v
}

func (i *installation) fetch(r *http.Request) (status int, body string, header http.Header) {
	i.t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		i.t.Fatal(err)
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		i.t.Fatal(err)
	}
	return answer.StatusCode, string(all), answer.Header
}

func TestPagesOfEventsFollowEachOther(t *testing.T) {
	t.Parallel()
	i := start(t, nil)
	for n := range 5 {
		i.record(list(newEvent(n, "alma", "{}")))
	}
	var ids []string
	for path := "/api/v1/events?limit=2"; ; {
		page := get[api.Events](i, path)
		for _, e := range page.Events {
			ids = append(ids, e.ID)
		}
		if page.Next == "" {
			break
		}
		path = "/api/v1/events?limit=2&before=" + page.Next
	}
	if got := strings.Join(ids, " "); got != "event-4 event-3 event-2 event-1 event-0" {
		t.Error(got)
	}
	one := get[api.Events](i, "/api/v1/events?id=event-3")
	if len(one.Events) != 1 || one.Events[0].ID != "event-3" {
		t.Errorf("by ID: %+v", one)
	}
	if part := get[api.Events](i, "/api/v1/events?id=event"); len(part.Events) != 0 {
		t.Errorf("by a part of an ID: %+v", part)
	}
}

func TestABodyComesAsItWasStored(t *testing.T) {
	t.Parallel()
	i := start(t, nil)
	long, binary := `{ "mms_id":9007199254740993123, "x":1.0e2 }`, "\xff\x00<script>"
	hostile := newEvent(1, "alma", binary)
	hostile.Action, hostile.ContentType, hostile.ID = "../..\r\nX: y", "application/xml; \x1b[31m", "\x1b]0;owned\x07\u202e"
	i.record(list(newEvent(0, "alma", long), hostile))
	if d := get[api.EventDetail](i, "/api/v1/events/1"); d.Body == nil || d.Body.Encoding != api.AsText || d.Body.Content != long || d.Header["X-Trace"] != "trace-0" {
		t.Errorf("%+v", d)
	}
	d := get[api.EventDetail](i, "/api/v1/events/2")
	if got, err := d.Body.Bytes(); d.Body.Encoding != api.AsBase64 || string(got) != binary || err != nil {
		t.Errorf("%+v", d)
	}
	status, body, header := i.fetch(i.request(http.MethodGet, "/api/v1/events/2/body", ""))
	if status != http.StatusOK || body != binary || header.Get("Content-Disposition") != `attachment; filename=alma-..-..--X--y-2.bin` ||
		header.Get("Content-Type") != "application/octet-stream" || header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %q %v", status, body, header)
	}
}

func TestRolesHideBodies(t *testing.T) {
	t.Parallel()
	i := start(t, nil)
	i.record(list(newEvent(0, "alma", `{"user":"nightingale"}`)))
	cookie := i.onlyLooking()
	as := func(path string) (int, string) {
		r := i.request(http.MethodGet, path, "")
		r.Header.Del("Authorization")
		r.AddCookie(cookie)
		status, body, _ := i.fetch(r)
		if strings.Contains(body, "nightingale") || strings.Contains(body, "trace-0") {
			t.Errorf("%s tells the body: %s", path, body)
		}
		return status, body
	}
	if status, body := as("/api/v1/events/1"); status != http.StatusOK || !strings.Contains(body, "your role sees no bodies") {
		t.Errorf("%d %s", status, body)
	}
	if status, body := as("/api/v1/events?id=event-0"); status != http.StatusOK || !strings.Contains(body, "event-0") {
		t.Errorf("%d %s", status, body)
	}
	if status, body := as("/api/v1/events?id=nightingale"); status != http.StatusOK || strings.Contains(body, "event-0") {
		t.Errorf("the search by ID tells the body: %d %s", status, body)
	}
	for _, path := range []string{"/api/v1/events/1/body", "/api/v1/events?text=night", "/api/v1/events/live?text=night"} {
		if status, body := as(path); status != http.StatusForbidden || !strings.Contains(body, `"detail"`) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestOnlyTheTokenAndSessionsGetIn(t *testing.T) {
	t.Parallel()
	i := start(t, nil)
	for _, given := range []string{"", "Bearer", "Bearer x", "Bearer " + i.token + "x", "Basic " + i.token} {
		r := i.request(http.MethodGet, "/api/v1/events", "")
		r.Header.Set("Authorization", given)
		if given == "" {
			r.Header.Del("Authorization")
		}
		status, body, header := i.fetch(r)
		if status != http.StatusUnauthorized || header.Get("Content-Type") != "application/problem+json" || !strings.Contains(body, "console/token") {
			t.Errorf("%q: %d %s", given, status, body)
		}
	}
	r := i.request(http.MethodGet, "/api/v1/events", "")
	r.Host = "evil.example"
	if status, body, _ := i.fetch(r); status != http.StatusMisdirectedRequest || !strings.Contains(body, "console.hosts") {
		t.Errorf("a foreign name: %d %s", status, body)
	}
	r = i.request(http.MethodPost, "/api/v1/events", "{}")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if status, body, header := i.fetch(r); status != http.StatusForbidden || header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a foreign page: %d %s", status, body)
	}
}

// TestALiveStreamGoesOnWhereItStopped reads events as they come, and again from the last one that was seen.
func TestALiveStreamGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	i := start(t, nil)
	i.record(list(newEvent(0, "alma", "{}")))
	first := i.follow("/api/v1/events/live?source=alma", "")
	i.record(list(newEvent(1, "github", "{}"), newEvent(2, "alma", "{}")))
	name, id, data := first.next()
	if name != "stored" || !strings.Contains(data, `"id":"event-2"`) {
		t.Fatalf("%s %s %s", name, id, data)
	}
	first.close()
	i.record(list(newEvent(3, "alma", "{}")))
	again := i.follow("/api/v1/events/live?source=alma", id)
	defer again.close()
	if _, _, data := again.next(); !strings.Contains(data, `"id":"event-3"`) {
		t.Errorf("after the break: %s", data)
	}
}

// eventStream reads server-sent events.
type eventStream struct {
	t      *testing.T
	answer *http.Response
	lines  *bufio.Scanner
}

// follow opens a stream, and waits until it has begun.
func (i *installation) follow(path, last string) *eventStream {
	i.t.Helper()
	r := i.request(http.MethodGet, path, "")
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	answer, err := http.DefaultClient.Do(r) //nolint:bodyclose // close closes it
	if err != nil {
		i.t.Fatal(err)
	}
	s := &eventStream{i.t, answer, bufio.NewScanner(answer.Body)}
	for s.lines.Scan() && !strings.HasPrefix(s.lines.Text(), ":") {
	}
	return s
}

func (s *eventStream) close() { s.answer.Body.Close() }

// next returns the next event.
func (s *eventStream) next() (name, id, data string) {
	s.t.Helper()
	for s.lines.Scan() {
		field, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch field {
		case "event":
			name = value
		case "id":
			id = value
		case "data":
			return name, id, value
		}
	}
	s.t.Fatal("the stream ended")
	return name, id, data
}

func TestFailuresAreGroupedByTheirCause(t *testing.T) {
	t.Parallel()
	i := start(t, nil)
	one, two := newEvent(1, "alma", "{}"), newEvent(2, "alma", "{}")
	i.record(list(one, two), failed(one, "exports"), failed(two, "exports"))
	groups := get[api.Failures](i, "/api/v1/failures").Groups
	if len(groups) != 1 || groups[0].Dead != 2 || groups[0].Route != "exports" || groups[0].Reason != "permanent" || groups[0].Sample == 0 {
		t.Fatalf("%+v", groups)
	}
	of := get[api.Events](i, "/api/v1/events?pattern="+url.QueryEscape(groups[0].Pattern))
	if len(of.Events) != 2 {
		t.Errorf("the events of the group: %+v", of)
	}
	if gaps := get[api.Gaps](i, "/api/v1/gaps").Gaps; len(gaps) != 0 {
		t.Errorf("%+v", gaps)
	}
}
