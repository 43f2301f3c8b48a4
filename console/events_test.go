package console_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/hookline/hookline/console"
	"github.com/hookline/hookline/console/consoletest"
)

func TestEventsAreFoundByTheAddress(t *testing.T) {
	b := open(t, consoletest.Filled(t).Parts())
	_, page := b.get("/events")
	wants(t, page, "Job end", "alma.bib.bib_updated", "8846120937510006421", "1 done", "15 s ago")
	for query, want := range map[string]string{
		"state=dead&route=exports": "6130042718450006421",
		"q=Exportfinanz":           "8846120937510006421",
		"q=%22unknown+key%22":      "6130042718450006421",
		"source=github":            "Unrouted",
		"since=1h&state=failing":   "5520981734460006421",
		"q=exprot":                 "No event holds “<bdi>exprot</bdi>”",
		"q=exprot&since=1h":        "Look in all that is kept",
		"action=nothing":           "No event fits this filter",
	} {
		_, page := b.get("/events?" + query)
		wants(t, page, want)
		if strings.Contains(page, "Handbuch") {
			t.Errorf("%s: a body is in the list", query)
		}
	}
}

func TestPagesOfEventsMeet(t *testing.T) {
	b := open(t, consoletest.Filled(t).Parts())
	_, first := b.get("/events")
	seen := map[string]int{}
	count(first, seen)
	_, second := b.get(link(t, first, "next"))
	count(second, seen)
	_, back := b.get(link(t, second, "prev"))
	again := map[string]int{}
	count(back, again)
	count(first, again)
	if len(seen) != 69 || len(again) != 50 {
		t.Errorf("%d events on two pages, %d of them on the first and again after going back", len(seen), len(again))
	}
	if strings.Contains(second, `rel="next"`) {
		t.Error("the last page leads on")
	}
}

// count counts the rows of a page by their numbers.
func count(page string, seen map[string]int) {
	for _, part := range strings.Split(page, `data-seq="`)[1:] {
		seen[part[:strings.IndexByte(part, '"')]]++
	}
}

// link returns the address of a page's link.
func link(t *testing.T, page, rel string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, `rel="`+rel+`" href="`)
	if !ok {
		t.Fatalf("no link to the %s page", rel)
	}
	return strings.ReplaceAll(rest[:strings.IndexByte(rest, '"')], "&amp;", "&")
}

func TestOneEventShowsItsHistoryAndItsBody(t *testing.T) {
	b := open(t, consoletest.Filled(t).Parts())
	_, page := b.get(fmt.Sprintf("/events/%d", consoletest.DeadExport))
	wants(t, page,
		"Job end: <bdi>Export Bibliographic Records</bdi>", "Thu 26 Nov 04:34:18.402", "Fits", "secret <bdi>2026</bdi>",
		"Attempt 12 failed, given up", "Attempts 1 to 11 failed with the same error", "Attempt 18 in 44 s", "Done at attempt 1", "1 dead, 1 retrying, 1 done",
		`<span class="n"><bdi>9223372036854775807</bdi></span>`, `<span class="n"><bdi>100.0</bdi></span>`, `<span class="w">null</span>`,
		"Replay to exports…", "Try now…", "User-Agent", "curl &#39;https://hooks.example.org/webhooks/alma&#39;")
	if strings.Index(page, "history-exports") > strings.Index(page, "history-archive") {
		t.Error("the worst route is not first")
	}
	for query, want := range map[string]string{"as=text": "&#34;set_size&#34;:9223372036854775807", "as=bytes": "7b 22 69 64 22"} {
		_, page := b.get(fmt.Sprintf("/events/%d?%s", consoletest.DeadExport, query))
		wants(t, page, want)
	}
	_, page = b.get(fmt.Sprintf("/events/%d", consoletest.XMLEvent))
	wants(t, page, "controlfield", "@tag", "99100048217335", "XML, ")
	_, page = b.get(fmt.Sprintf("/events/%d", consoletest.FormEvent))
	wants(t, page, "&lt;b&gt;", "00012", "Form, ")
	if status, page := b.get("/events/12345"); status != http.StatusNotFound || !strings.Contains(page, "not in the journal") {
		t.Errorf("an event that is not there: %d", status)
	}
}

func TestABodyIsDownloadedAsItCame(t *testing.T) {
	b := open(t, consoletest.Filled(t).Parts())
	answer, err := b.client.Do(b.request(http.MethodGet, fmt.Sprintf("/events/%d/body", consoletest.NotText), nil))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if got := answer.Header.Get("Content-Disposition"); got != `attachment; filename="event-65.bin"` || answer.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%s, %s", got, answer.Header.Get("Content-Type"))
	}
	if _, body := b.get(fmt.Sprintf("/events/%d/body", consoletest.NotText)); body != "\xff\xfe\x00\x01 no text \x80" {
		t.Errorf("body %q", body)
	}
}

func TestHostileTextIsText(t *testing.T) {
	b := open(t, consoletest.Filled(t).Parts())
	for _, path := range []string{
		"/", "/events", "/events?q=%3Cscript%3Ealert(3)%3C/script%3E", "/events?source=%22%3E%3Cimg%20src=x%20onerror=alert(4)%3E",
		fmt.Sprintf("/events/%d", consoletest.Hostile), fmt.Sprintf("/events/%d?as=text", consoletest.Hostile), fmt.Sprintf("/events/%d?as=bytes", consoletest.NotText),
		fmt.Sprintf("/events/%d", consoletest.DeepJSON), fmt.Sprintf("/events/%d", consoletest.LongHeader), fmt.Sprintf("/events/%d", consoletest.NotText),
	} {
		status, page := b.get(path)
		if status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
		for _, bad := range []string{"<script>alert", "<img", "<b>key", "\u202e", "\x00", "\x1b", "\u009b", "\xff"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s: the page has %q", path, bad)
			}
		}
		if len(page) > 400_000 {
			t.Errorf("%s: %d bytes", path, len(page))
		}
	}
	_, page := b.get(fmt.Sprintf("/events/%d", consoletest.Hostile))
	wants(t, page, "U+202E", ">NUL<", ">ESC<", ">U+009B<", "9007199254740993", "1e400", "&lt;img src=x onerror=alert(1)&gt;")
	_, page = b.get(fmt.Sprintf("/events/%d", consoletest.DeepJSON))
	wants(t, page, "nested deeper than is shown")
	_, page = b.get(fmt.Sprintf("/events/%d", consoletest.LongHeader))
	wants(t, page, "1,049,600 more characters")
}

func TestPeopleWhoMayOnlyLookSeeNoBodies(t *testing.T) {
	cfg := consoletest.Config(t.TempDir())
	cfg.Users = map[string]console.User{"sam": {Password: "a long password of sam", Role: console.Look}}
	b, _ := start(t, cfg, consoletest.Filled(t).Parts())
	b.signIn("sam", "a long password of sam")
	event := fmt.Sprintf("/events/%d", consoletest.DeadExport)
	_, page := b.get(event)
	wants(t, page, "The body is not shown", "Attempt 12 failed")
	for _, secret := range []string{"Export Bibliographic", "sample.operator", "User-Agent", "curl"} {
		if strings.Contains(page, secret) {
			t.Errorf("the page has %q", secret)
		}
	}
	if status, page := b.get(event + "/body"); status != http.StatusForbidden || strings.Contains(page, "Bibliographic") {
		t.Errorf("the download: %d", status)
	}
	_, page = b.get("/events?q=Bibliographic")
	if strings.Contains(page, "6130042718450006421") {
		t.Error("a search looks into bodies")
	}
	_, page = b.get("/events?q=6130042718450006421")
	wants(t, page, "Job end", "The body is not shown")
}
