package consoletest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
)

// Texts of strangers that must be shown as text.
const (
	HostileTitle  = "<img src=x onerror=alert(1)> Export or die \u202efdp.exe\x00"
	hostileError  = "POST sandbox.example.org: answered 500: <script>alert(document.cookie)</script> \x1b[2J\u202e.slx"
	unknownKey    = "from: sftp files.example.org:22: refused: the server shows an unknown key, SHA256:k0Wv3TqQmJ8pZr5NfX1cYb7uLd9eHs2aGo4iRt6wEyM: either its key was changed, which its operator can confirm (then change known_hosts or fingerprint), or somebody is in between"
	webServerDown = "look up the user: alma: after 3 tries: answered 500 INTERNAL_SERVER_ERROR: The web server encountered an unexpected condition. Tracking ID E01-2611093942-QXZPL-AWAE1462307111"
)

// The numbers of events with a meaning, in the order of their storing.
const (
	DeadExport  = 61 // dead on one route, retrying on another, done on a third
	Hostile     = 62 // every text is hostile
	DeepJSON    = 63 // 10,000 lists in lists
	LongHeader  = 64 // a header of 1 MB
	NotText     = 65 // bytes that are no text
	XMLEvent    = 66
	FormEvent   = 67
	UnroutedOne = 68
	Plain       = 69 // done, and unremarkable
)

// openJournal opens a journal in a folder of its own and fills it.
func openJournal(t testing.TB) *journal.Store {
	t.Helper()
	store, err := journal.Open(journal.Config{Dir: t.TempDir()}, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Append(t.Context(), history()); err != nil {
		t.Fatal(err)
	}
	return store
}

// history is the past of the library.
func history() journal.Batch {
	b := journal.Batch{Process: "receiver-1", Number: 1}
	for i := range 60 {
		k := add(&b, "alma", "loan.loan_created", fmt.Sprintf("55209817344%08d", i), "", `{"event":"LOAN_CREATED","item_loan":{"title":"Handbuch der Bibliothek"}}`)
		done(&b, k, "archive", 4*time.Millisecond)
		if i%20 == 0 {
			fail(&b, k, "loans", fmt.Sprintf("/usr/local/bin/on-loan: exit status 1: gate knows no card %d", 4000+i), 5, true)
		} else {
			done(&b, k, "loans", 40*time.Millisecond)
		}
	}
	export := add(&b, "alma", "job_end", "6130042718450006421", "2026-11-26T03:34:18.402Z", jobEnd("Export Bibliographic Records"))
	done(&b, export, "archive", 6*time.Millisecond)
	fail(&b, export, "exports", unknownKey, 12, true)
	fail(&b, export, "tell-initiator", webServerDown, 17, false)

	hostile := add(&b, "alma", "loan.loan_returned", "5520981734460006421", "2026-11-26T09:19:44Z", `{"event":"LOAN_RETURNED","item_loan":{"title":`+quoteJSON(HostileTitle)+`,"note":"\u001b[31m\u009b2J","loan_id":9007199254740993,"fee":1e400,"<b>key</b>":"\ud800"}}`)
	b.Stored[len(b.Stored)-1].Event.Header = map[string]string{"X-Hostile": "<script>alert(2)</script>\u202e"}
	fail(&b, hostile, "sandbox", hostileError, 2, false)
	done(&b, hostile, "archive", time.Second)

	add(&b, "alma", "deep", "deep-1", "2026-11-26T09:20:00Z", strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000))
	add(&b, "alma", "long", "long-1", "2026-11-26T09:20:01Z", `{"a":1}`)
	b.Stored[len(b.Stored)-1].Event.Header = map[string]string{"X-Long": strings.Repeat("nobreak", 150_000)}
	add(&b, "alma", "bytes", "bytes-1", "2026-11-26T09:20:02Z", "\xff\xfe\x00\x01 no text \x80")
	add(&b, "alma", "marc", "marc-1", "2026-11-26T09:20:03Z", `<record xmlns="http://www.loc.gov/MARC21/slim"><leader>00000nam</leader><controlfield tag="001">99100048217335</controlfield></record>`)
	b.Stored[len(b.Stored)-1].Event.ContentType = "application/xml"
	add(&b, "github", "form", "form-1", "2026-11-26T09:20:04Z", "payload=%3Cb%3E&n=00012")
	b.Stored[len(b.Stored)-1].Event.ContentType = "application/x-www-form-urlencoded"
	add(&b, "github", "workflow_run.completed", "0f4c1d9e-88f2-4a31-b0b2-5d6f0c7fa211", "2026-11-26T08:12:27Z", `{"workflow_run":{"name":"Nightly export check","conclusion":"success"}}`)
	b.Stored[len(b.Stored)-1].Unrouted = true
	plain := add(&b, "alma", "bib.bib_updated", "8846120937510006421", "2026-11-26T09:41:52Z", `{"action":"BIB_UPDATED","bib":{"mms_id":"9910004821733506421","title":"Exportfinanzierung und Kreditsicherung"}}`)
	done(&b, plain, "archive", 6*time.Millisecond)
	return b
}

func jobEnd(name string) string {
	return `{"id":"6130042718450006421","action":"JOB_END","institution":{"value":"01EXAMPLE_INST","desc":"Example University Library"},"time":"2026-11-26T03:34:11.207Z",` +
		`"job_instance":{"id":"6130042718450006421","name":"` + name + `","submitted_by":{"value":"sample.operator","desc":"Operator, Sample"},"progress":100.0,` +
		`"status":{"value":"COMPLETED_SUCCESS","desc":"Completed Successfully"},"counter":[{"type":{"value":"label.records.exported","desc":"Number of records exported"},"value":"1284"},` +
		`{"type":{"value":"c.jobs.bibExport.link","desc":"Link to Exported records"},"value":"BIBLIOGRAPHIC_1000123390006421"}],"set_size":9223372036854775807,"alert":null}}`
}

func quoteJSON(s string) string {
	return `"` + strings.NewReplacer(`"`, `\"`, "\x00", `\u0000`).Replace(s) + `"`
}

// add stores an event. Without a time it came a while ago, after those before.
func add(b *journal.Batch, source, action, id, at, data string) journal.Key {
	when, err := time.Parse(time.RFC3339, at)
	if err != nil {
		when = Now().Add(-25*time.Hour + time.Duration(len(b.Stored))*17*time.Minute)
	}
	e := event.Event{
		ID: id, Source: source, Action: action, Time: when, ContentType: "application/json;charset=UTF-8", Data: []byte(data),
		Header: map[string]string{"User-Agent": "Apache-HttpClient/4.5.14"},
	}
	b.Stored = append(b.Stored, journal.Stored{Event: e, Secret: "2026", Process: "receiver-1"})
	return journal.KeyOf(e)
}

func done(b *journal.Batch, k journal.Key, route string, took time.Duration) {
	b.Ended = append(b.Ended, journal.Attempt{Key: k, Route: route, Number: 1, Start: k.Time.Add(20 * time.Millisecond), Duration: took, Outcome: journal.Done, Process: "worker-1"})
}

// fail adds attempts that failed, each after twice the time of the one before.
func fail(b *journal.Batch, k journal.Key, route, text string, attempts int, dead bool) {
	at := k.Time.Add(900 * time.Millisecond)
	for n := 1; n <= attempts; n++ {
		a := journal.Attempt{
			Key: k, Route: route, Number: n, Start: at, Duration: 1200 * time.Millisecond, Outcome: journal.Retried, Reason: "error", Error: text,
			Process: fmt.Sprintf("worker-%d", n%4+1),
		}
		wait := min(time.Second<<n, 20*time.Minute)
		at = at.Add(wait)
		if n == attempts && dead {
			a.Outcome = journal.Dead
		} else {
			a.Next = at
		}
		if n == attempts && !dead {
			a.Next = Now().Add(44 * time.Second)
		}
		b.Ended = append(b.Ended, a)
	}
}
