package console_test

import (
	"html"
	"net/url"
	"strings"
	"testing"

	"github.com/hookline/hookline/console/consoletest"
)

func TestFailuresAreGroupedByTheirCause(t *testing.T) {
	b := open(t, consoletest.Filled(t).Parts())
	_, page := b.get("/failures")
	wants(t, page, "shows an unknown key", "gate knows no card", "All causes", "4 dead and 2 retrying have 4 causes", "hookline what-if --config new.yml --since 2026-", "Plan replay of 3…",
		"&lt;script&gt;alert(document.cookie)&lt;/script&gt;", "Plan to try 1 now…")
	if strings.Index(page, "gate knows no card") > strings.Index(page, "unknown key") {
		t.Error("the cause with most dead is not first")
	}
	_, page = b.get("/failures?which=failing")
	if strings.Contains(page, "gate knows no card") {
		t.Error("a cause with dead is among those that only retry")
	}
	_, page = b.get("/failures?route=check")
	wants(t, page, "Nothing fails on check.")
	_, all := b.get("/failures?route=loans")
	link := all[strings.Index(all, `href="/events?cause=`)+len(`href="`):]
	_, page = b.get(html.UnescapeString(link[:strings.IndexByte(link, '"')]))
	wants(t, page, "Events of one cause", "3 shown")
}

func TestAPlanOfACauseTakesItsEventsOnly(t *testing.T) {
	b := open(t, consoletest.Filled(t).Parts())
	_, page := b.get("/failures?route=loans")
	cause, _, _ := strings.Cut(page[strings.Index(page, `name="cause" value="`)+len(`name="cause" value="`):], `"`)
	cause = html.UnescapeString(cause)
	_, page = b.post("/plan", url.Values{"do": {"replay"}, "from": {"dead"}, "route": {"loans"}, "cause": {cause}})
	wants(t, page, "Plan: replay 24 events to loans")
}

func TestHomeShowsTheLastDay(t *testing.T) {
	_, page := open(t, consoletest.Filled(t).Parts()).get("/")
	wants(t, page, `class="spark" role="img" aria-label="archive: attempts in each of the last 24 hours, failed ones in red"`, `class="f"`, `aria-label="alma: events in each of the last 24 hours"`)
}
