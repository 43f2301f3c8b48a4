package test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

func TestUnroutedEventsAreShownReplayedToANewRouteAndDiscarded(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(*testing.T) string{
		"embedded": func(*testing.T) string { return "embedded" },
		"rabbitmq": func(t *testing.T) string { return rabbitnode.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			unroutedEvents(t, url(t))
		})
	}
}

func unroutedEvents(t *testing.T, url string) {
	const before = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${LINE_URL}" }
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes:
  jobs: { match: "alma.job_end", handler: { kind: file, dir: export } }
`
	f := newFolder(t, "LINE_URL="+url)
	f.write(t, "hookline.yml", before)
	p := f.start(t, "run")
	for _, action := range []string{"loan.loan_created", "loan.loan_returned", "request.request_created"} {
		if sent := f.run(t, "send", "alma", action, "--url", "http://"+p.listen); sent.code != 0 {
			t.Fatalf("send: %+v", sent)
		}
	}
	var events []event.Event
	listed := f.run(t, "unrouted", "list", "--json")
	if err := json.Unmarshal([]byte(listed.stdout), &events); err != nil || len(events) != 3 {
		t.Fatalf("unrouted list: %+v, %v", listed, err)
	}
	if shown := f.run(t, "unrouted", "show", events[2].ID); !strings.Contains(shown.stdout, `"data_base64"`) {
		t.Errorf("unrouted show: %+v", shown)
	}
	if replayed := f.run(t, "unrouted", "replay", "--all"); replayed.code != 1 || !strings.Contains(replayed.stderr, "3 of them still match no route") {
		t.Errorf("unrouted replay without a route: %+v", replayed)
	}

	p.stop(t)
	f.write(t, "hookline.yml", before+`  loans: { match: "alma.loan.#", handler: { kind: file, dir: export } }`)
	p = f.start(t, "run")
	if sent := f.run(t, "send", "alma", "job_end", "--url", "http://"+p.listen); sent.code != 0 {
		t.Fatalf("send: %+v", sent)
	}
	p.log(t, "delivery done") // so it is connected, and the new route is bound
	if replayed := f.run(t, "unrouted", "replay", events[0].ID); replayed.code != 0 || !strings.Contains(replayed.stdout, "replayed 1") {
		t.Errorf("unrouted replay of one: %+v", replayed)
	}
	if done := p.log(t, "delivery done"); done["id"] != events[0].ID || done["route"] != "loans" {
		t.Errorf("done %v", done)
	}
	if replayed := f.run(t, "unrouted", "replay", "--all"); replayed.code != 1 || !strings.Contains(replayed.stdout, "replayed 1") || !strings.Contains(replayed.stderr, "1 of them still") {
		t.Errorf("unrouted replay of all: %+v", replayed)
	}
	p.log(t, "delivery done")
	if list := f.run(t, "unrouted", "list"); !strings.Contains(list.stdout, events[2].Key()) || strings.Count(list.stdout, "\n") != 2 {
		t.Errorf("unrouted list: %+v", list)
	}
	if discarded := f.run(t, "unrouted", "discard", events[2].ID); !strings.Contains(discarded.stdout, "discarded 1") {
		t.Errorf("unrouted discard: %+v", discarded)
	}
	if list := f.run(t, "unrouted", "list"); !strings.Contains(list.stdout, "no unrouted events") {
		t.Errorf("unrouted list at the end: %+v", list)
	}
}
