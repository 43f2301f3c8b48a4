package test

import (
	"encoding/json"
	"strings"
	"testing"
)

// An event is named by source, action and ID: `unrouted discard 42` took every event with the ID 42.
func TestAnIDOfSeveralEventsHasToBeChosen(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", auditConfig)
	p := f.start(t, "run")
	for _, action := range []string{"request.request_created", "request.request_closed", "request.request_canceled"} {
		if sent := f.run(t, "send", "alma", action, "--id", "42", "--url", "http://"+p.listen); sent.code != 0 {
			t.Fatalf("send: %+v", sent)
		}
	}
	for _, command := range []string{"show", "discard", "replay"} {
		r := f.run(t, "unrouted", command, "42")
		if r.code != 2 || r.stdout != "" || !strings.Contains(r.stderr, "3 events have the ID 42") || !strings.Contains(r.stderr, "--source alma --action request.request_closed") {
			t.Errorf("%s: %+v", command, r)
		}
	}
	if r := f.run(t, "unrouted", "discard", "42", "--source", "github"); r.code != 1 || !strings.Contains(r.stderr, "1 of the 1 IDs belong to no unrouted event") {
		t.Errorf("of another source: %+v", r)
	}
	if r := f.run(t, "unrouted", "discard", "42", "--action", "request.request_closed"); r.code != 0 || !strings.Contains(r.stdout, "discarded 1 ") {
		t.Errorf("of one action: %+v", r)
	}
	body := f.run(t, "unrouted", "show", "42", "--action", "request.request_created", "--body")
	if body.code != 0 || !json.Valid([]byte(body.stdout)) || !strings.Contains(body.stdout, `"42"`) {
		t.Errorf("body: %+v", body)
	}
	if r := f.run(t, "unrouted", "show", "42", "--all-with-id"); strings.Count(r.stdout, `"data_base64"`) != 2 {
		t.Errorf("show all with the ID: %+v", r)
	}
	if r := f.run(t, "unrouted", "discard", "42", "--all-with-id"); r.code != 0 || !strings.Contains(r.stdout, "discarded 2 ") {
		t.Errorf("discard all with the ID: %+v", r)
	}
}

func TestListsAreGroupedAndBeginAtATime(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", auditConfig)
	p := f.start(t, "run")
	for _, action := range []string{"loan.loan_created", "loan.loan_created", "request.request_created"} {
		if sent := f.run(t, "send", "alma", action, "--url", "http://"+p.listen); sent.code != 0 {
			t.Fatalf("send: %+v", sent)
		}
	}
	p.log(t, "delivery dead")
	p.log(t, "delivery dead")
	var groups []struct {
		Route, Reason, Key string
		FirstError         string `json:"first_error"`
		Count              int
	}
	r := f.run(t, "dead", "list", "--group", "--json")
	if err := json.Unmarshal([]byte(r.stdout), &groups); err != nil || len(groups) != 1 || groups[0].Count != 2 || groups[0].Route != "loans" || groups[0].FirstError == "" {
		t.Errorf("dead list --group: %+v, %v", r, err)
	}
	r = f.run(t, "unrouted", "list", "--group")
	if fields := strings.Fields(r.stdout); r.code != 0 || len(fields) != 10 || fields[4] != "1" || fields[9] != "alma.request.request_created" {
		t.Errorf("unrouted list --group: %+v", r)
	}
	for since, want := range map[string]int{"1h": 3, "7d": 3, "2020-01-31": 3, "2020-01-31 12:00": 3, "2020-01-31T12:00:00Z": 3, "2999-01-31": 1} {
		if r := f.run(t, "dead", "list", "--since", since); r.code != 0 || strings.Count(r.stdout, "\n") != want {
			t.Errorf("since %s: %+v", since, r)
		}
	}
	if r := f.run(t, "dead", "list", "--since", "yesterday"); r.code != 2 || !strings.Contains(r.stderr, "12h or 7d") {
		t.Errorf("since yesterday: %+v", r)
	}

	for _, screen := range []struct {
		columns uint16
		want    []string
	}{
		{80, []string{"LAST ERROR  ", "ROUTE       loans\n"}},
		{160, []string{"ROUTE  ID", "  LAST ERROR\n"}},
	} {
		code, shown := f.terminal(t, screen.columns, "dead", "list").end()
		for _, want := range screen.want {
			if code != 0 || !strings.Contains(shown, want) {
				t.Errorf("on %d columns there is no %q: %s", screen.columns, want, shown)
			}
		}
		for line := range strings.Lines(shown) {
			if len([]rune(strings.TrimRight(line, "\n"))) > int(screen.columns) {
				t.Errorf("on %d columns a line wraps: %s", screen.columns, line)
			}
		}
	}
}
