package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hookline/hookline/console/api"
)

func TestActsNeedTheRoleAct(t *testing.T) {
	t.Parallel()
	i := start(t, nil)
	cookie := i.onlyLooking()
	for _, path := range []string{"plans", "plans/1/start", "jobs/1/pause", "jobs/1/resume", "jobs/1/stop", "routes/exports/pause", "routes/exports/resume"} {
		r := i.request(http.MethodPost, "/api/v1/"+path, "{}")
		r.Header.Del("Authorization")
		r.AddCookie(cookie)
		if status, body, _ := i.fetch(r); status != http.StatusForbidden || !strings.Contains(body, "console.users") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// TestTheLogNamesThePersonBehindTheToken pauses a route, and finds who did it and how it ended.
func TestTheLogNamesThePersonBehindTheToken(t *testing.T) {
	t.Parallel()
	i := start(t, nil)
	for _, route := range []string{"exports", "nobody"} {
		r := i.request(http.MethodPost, "/api/v1/routes/"+route+"/pause", `{"why":"the disk is full"}`)
		r.Header.Set("Hookline-Person", "ann")
		i.fetch(r)
	}
	log := get[api.LogPage](i, "/api/v1/log?limit=2")
	if len(log.Entries) != 2 || log.Next != "" {
		t.Fatalf("%+v", log)
	}
	paused, refused := log.Entries[1], log.Entries[0]
	if paused.Who != "ann (token)" || paused.What != "route paused" || paused.Subject != "exports" || paused.Why != "the disk is full" || paused.Result != "done" {
		t.Errorf("%+v", paused)
	}
	if !strings.HasPrefix(refused.Result, "refused: ") {
		t.Errorf("%+v", refused)
	}
	routes := get[api.Routes](i, "/api/v1/routes")
	if p := routes.Routes[1].Paused; p == nil || p.By != "ann (token)" || p.Why != "the disk is full" {
		t.Errorf("%+v", routes)
	}
}

func TestPartsThatAreMissingAreNamed(t *testing.T) {
	t.Parallel()
	i := start(t, func(p *api.Parts) { *p = api.Parts{} })
	for _, path := range []string{"events", "events/1", "events/live", "events/1/body", "failures", "gaps", "jobs", "jobs/1", "jobs/1/targets", "log", "audit", "queues", "unrouted", "dead/exports"} {
		if status, body, _ := i.fetch(i.request(http.MethodGet, "/api/v1/"+path, "")); status != http.StatusServiceUnavailable || !strings.Contains(body, `"detail"`) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, body, _ := i.fetch(i.request(http.MethodGet, "/api/v1/nonsense", "")); status != http.StatusNotFound || !strings.Contains(body, "openapi.yaml") {
		t.Errorf("%d %s", status, body)
	}
}
