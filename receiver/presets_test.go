package receiver_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/receiver"
)

const form = "application/x-www-form-urlencoded"

func TestEachPresetEndToEnd(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, preset string
		header       map[string]string
		body         string
		id, action   string // an empty ID is the hash of the body
		thing        bool   // the ID is that of a thing, so that the body belongs to it
	}{
		{name: "job end", preset: "alma", body: `{"id":"42","action":"JOB_END","institution":{"value":"01X"},"job_instance":{"id":"42"}}`, id: "42", action: "job_end"},
		{name: "explicit null", preset: "alma", body: `{"bib":null,"event":null,"action":"JOB_END","id":"42"}`, id: "42", action: "job_end"},
		{name: "lower case of the documentation", preset: "alma", body: `{"id":"42","action":"job_end"}`, id: "42", action: "job_end"},
		{name: "loan", preset: "alma", body: `{"id":"7","action":"LOAN","event":{"value":"LOAN_CREATED","desc":"Loan"},"item_loan":{}}`, id: "7", action: "loan.loan_created"},
		{name: "XML", preset: "alma", body: `<?xml version="1.0" encoding="UTF-8"?><webhook><id>7</id><action>LOAN</action><event desc="Löan">LOAN_RETURNED</event><item_loan><id>9</id></item_loan></webhook>`, id: "7", action: "loan.loan_returned"},
		{name: "XML without event", preset: "alma", body: `<webhook><job_instance><id>9</id><event>NO</event></job_instance><id> 7 </id><action>JOB_END</action></webhook>`, id: "7", action: "job_end"},
		{name: "XML that declares UTF-16", preset: "alma", body: `<?xml version="1.0" encoding="UTF-16"?><webhook><title>Märchen</title><id>7</id><action>BIB</action><event>BIB_CREATED</event></webhook>`, id: "7", action: "bib.bib_created"},
		{name: "XML in Latin-1", preset: "alma", body: "<?xml version='1.0' encoding='ISO-8859-1'?><webhook><title>M\xe4rchen</title><id>7</id><action>BIB</action></webhook>", id: "7", action: "bib"},
		{name: "XML with standard entities, comment and CDATA", preset: "alma", body: `<w><id>a&amp;b</id><action>BI<!-- x -->B</action><event><![CDATA[BIB_]]>CREATED</event></w>`, id: "a&b", action: "bib.bib_created"},
		{name: "XML with the event first", preset: "alma", body: `<w><event><x/>A</event><event>B</event><action>C</action><id>7</id>`, id: "7", action: "c.a"},
		{name: "whitespace and BOM first", preset: "alma", body: "\ufeff \n{\"id\":\"7\",\"action\":\"BIB\"}", id: "7", action: "bib"},
		{name: "last of two keys", preset: "alma", body: `{"id":"7","action":"BIB","action":"ITEM"}`, id: "7", action: "item"},
		{name: "JSON and more", preset: "alma", body: `{"id":"7","action":"BIB"} x`, action: event.Unreadable},
		{name: "event without action", preset: "alma", body: `{"id":"7","event":{"value":"LOAN_CREATED"}}`, id: "7", action: event.Unreadable},

		{name: "pull request", preset: "github", header: map[string]string{"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "d-1"}, body: `{"action":"opened"}`, id: "d-1", action: "pull_request.opened"},
		{name: "ping", preset: "github", header: map[string]string{"X-GitHub-Event": "ping", "X-GitHub-Delivery": "d-2"}, body: `{"zen":"x"}`, id: "d-2", action: "ping"},
		{name: "form", preset: "github", header: map[string]string{"X-GitHub-Event": "issues", "X-GitHub-Delivery": "d-3", "Content-Type": form}, body: `payload=%7B%22action%22%3A%22closed%22%7D`, id: "d-3", action: "issues.closed"},

		{name: "invoice", preset: "stripe", body: `{"id":"evt_1","type":"invoice.paid"}`, id: "evt_1", action: "invoice.paid"},

		{name: "event", preset: "slack", body: `{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention"}}`, id: "Ev1", action: "event_callback.app_mention"},
		{name: "slash command", preset: "slack", header: map[string]string{"Content-Type": form}, body: `token=x&command=%2Fdeploy&trigger_id=13.37&text=now`, id: "13.37", action: "deploy"},
		{name: "button", preset: "slack", header: map[string]string{"Content-Type": form + "; charset=utf-8"}, body: `payload=%7B%22type%22%3A%22block_actions%22%2C%22trigger_id%22%3A%221.2%22%7D`, id: "1.2", action: "block_actions"},

		{name: "order", preset: "shopify", header: map[string]string{"X-Shopify-Topic": "orders/create", "X-Shopify-Webhook-Id": "b54557e4"}, body: `{"id":820982911946154508}`, id: "b54557e4", action: "orders.create"},

		{name: "message", preset: "standard-webhooks", body: `{"type":"user.created","data":{}}`, id: "msg_1", action: "user.created"},

		{name: "merge request", preset: "gitlab", header: map[string]string{"X-Gitlab-Event": "Merge Request Hook", "X-Gitlab-Event-UUID": "u-1"}, body: `{"object_kind":"merge_request","object_attributes":{"action":"open"}}`, id: "u-1", action: "merge_request.open", thing: true},
		{name: "only a header", preset: "gitlab", header: map[string]string{"X-Gitlab-Event": "Push Hook", "Idempotency-Key": "k-1"}, body: `{}`, id: "k-1", action: "push_hook"},

		{name: "push", preset: "bitbucket", header: map[string]string{"X-Event-Key": "repo:push", "X-Request-UUID": "r-1"}, body: `{"push":{}}`, id: "r-1", action: "repo.push"},

		{name: "page", preset: "meta", body: `{"object":"whatsapp_business_account","entry":[{"id":"0"}]}`, action: "whatsapp_business_account"},
		{name: "account", preset: "dropbox", body: `{"list_folder":{"accounts":["dbid:x"]}}`, action: "changed"},
		{name: "meeting", preset: "zoom", body: `{"event":"meeting.started","event_ts":1,"payload":{}}`, action: "meeting.started"},

		{name: "CloudEvents headers", preset: "token", header: map[string]string{"Ce-Id": "c-1", "Ce-Type": "org.example.made"}, body: "anything", id: "c-1", action: "org.example.made", thing: true},
		{name: "JSON", preset: "basic", body: `{"id":"1","type":"made"}`, id: "1", action: "made", thing: true},
		{name: "number as action", preset: "token", body: `{"id":1,"action":5}`, id: "1", action: event.Unreadable, thing: true},
	}
	var tried []string
	for _, c := range cases {
		tried = append(tried, c.preset)
		t.Run(c.preset+" "+c.name, func(t *testing.T) {
			t.Parallel()
			var b fakeBroker
			s := serve(t, every(t), &b)
			header := http.Header{}
			for name, value := range c.header {
				header.Set(name, value)
			}
			before := time.Now().Add(-time.Millisecond)
			got := s.send(t, c.preset, header, c.body)
			id := c.id
			switch {
			case c.preset == "dropbox": // two equal bodies are two events
				if again := s.send(t, c.preset, header, c.body); again.code != http.StatusOK || again.body == got.body {
					t.Errorf("the second of two equal bodies: %d %s", again.code, again.body)
				}
				return
			case c.thing:
				id = event.NewIDWithDigest(id, []byte(c.body))
			case id == "":
				id = event.NewID("", []byte(c.body))
			}
			want := `{"id":"` + id + `"}`
			if c.preset == "slack" && c.header != nil { // Slack shows the answer to a command or a dialog to its user
				want = ""
			}
			if got.code != http.StatusOK || got.body != want {
				t.Fatalf("answered %d %s, want 200 %s", got.code, got.body, want)
			}
			e := b.one(t)
			if e.ID != id || e.Action != c.action || e.Source != c.preset || string(e.Data) != c.body {
				t.Errorf("stored %+v", e)
			}
			if e.Time.Before(before) || e.Time.Location() != time.UTC || e.Time.Nanosecond()%1e6 != 0 {
				t.Errorf("time %v", e.Time)
			}
			if s.metric(t, "accepted_total", "source", c.preset) != 1 || s.metric(t, "requests_total", "source", c.preset, "code", "200") != 1 {
				t.Error("it was not counted")
			}
			if unreadable := s.metric(t, "unreadable_total", "source", c.preset); (unreadable == 1) != (c.action == event.Unreadable) {
				t.Errorf("%v unreadable", unreadable)
			}
		})
	}
	for _, name := range signature.Presets() {
		if !slices.Contains(tried, name) {
			t.Errorf("preset %s was not tried", name)
		}
	}
}

func TestAnEventKeepsItsHeadersButNoCredentials(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	s := serve(t, every(t), &b)
	header := http.Header{"X-Github-Event": {"push"}, "Content-Encoding": {"x-odd"}, "Content-Type": {"application/json"}, "X-Github-Hook-Id": {"\xff9"}}
	if got := s.send(t, "github", header, `{}`); got.code != http.StatusOK {
		t.Fatal(got)
	}
	e := b.one(t)
	want := map[string]string{"X-Github-Event": "push", "Content-Encoding": "x-odd", "X-Github-Hook-Id": "_9"}
	if len(e.Header) != len(want) || e.ContentType != "application/json" {
		t.Errorf("kept %q, %q", e.Header, e.ContentType)
	}
	for name, value := range want {
		if e.Header[name] != value {
			t.Errorf("%s is %q", name, e.Header[name])
		}
	}
}

// A sender that never repeats, or only for a short time, has to be spooled: a 503 would lose its event.
func TestOnlyASenderThatRepeatsForHoursIsRefused(t *testing.T) {
	t.Parallel()
	for _, name := range signature.Presets() {
		if refused := preset(t, name).WhenDown == receiver.Refuse; refused != (name == "stripe" || name == "alma") {
			t.Errorf("%s is refused: %v", name, refused)
		}
	}
}

// The deadlines are those that the senders document.
func TestAPresetHasTheDeadlineOfItsSender(t *testing.T) {
	t.Parallel()
	documented := map[string]time.Duration{
		"alma": 5 * time.Second, "github": 10 * time.Second, "stripe": 10 * time.Second, "slack": 3 * time.Second, "shopify": 5 * time.Second,
		"gitlab": 10 * time.Second, "bitbucket": 10 * time.Second, "zoom": 3 * time.Second,
	}
	for _, name := range signature.Presets() {
		want, known := documented[name]
		if !known {
			want = 10 * time.Second
		}
		if got := preset(t, name).Deadline; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestPresetsOfOtherNamesDoNotExist(t *testing.T) {
	t.Parallel()
	if _, ok := receiver.Preset("almma"); ok {
		t.Error("almma exists")
	}
}
