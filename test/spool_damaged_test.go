package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/test/rabbitnode"
)

// A damaged spool is salvaged. The audit tells how many of its events are gone.
func TestAnAuditCountsTheEventsOfADamagedSpool(t *testing.T) {
	t.Parallel()
	const live, spooled = 3, 200
	node := rabbitnode.Start(t)
	f := newFolder(t, "AMQP_URL="+node.URL())
	f.write(t, "hookline.yml", spoolConfig)
	receiver := f.start(t, "receiver")
	for n := range live {
		expectAnswer(t, receiver, fmt.Sprint("live-", n), 2000, http.StatusOK)
	}
	if err := node.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n := range spooled {
		expectAnswer(t, receiver, fmt.Sprint(n), 2000, http.StatusOK)
	}
	receiver.kill()
	overwrite(t, filepath.Join(f.dir, "data", "spool", "spool.db"))
	if err := node.StartAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	receiver = f.start(t, "receiver")
	receiver.log(t, "the spool lacks events that were answered 200; `hookline audit` shows them")
	for deadline := time.Now().Add(patience); ; {
		shown := f.run(t, "audit", "--json")
		var a broker.Audit
		err := json.Unmarshal([]byte(shown.stdout), &a)
		if err == nil && len(a.Spools) == 1 && len(a.Sources) == 1 && a.Spools[0].Present == 0 && a.Sources[0].Accepted+a.Spools[0].Unaccounted == live+spooled {
			s := a.Spools[0] // a live event that came before the first connection is among its events
			if s.Unaccounted == 0 || s.Unaccounted >= spooled || s.Taken < spooled || s.Taken-s.Published != s.Unaccounted || a.Unaccounted != s.Unaccounted || shown.code != 4 {
				t.Errorf("audit: exit code %d, %s", shown.code, shown.stdout)
			}
			t.Logf("%d of %d events are gone", s.Unaccounted, spooled)
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("audit: %+v, %v", shown, err)
		}
	}
	if shown := f.run(t, "audit"); !strings.Contains(shown.stdout, "events are unaccounted for: spool ") || shown.code != 4 {
		t.Errorf("audit: %+v", shown)
	}
}

// overwrite overwrites 64 KiB in the middle of a file.
func overwrite(t *testing.T, path string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte(strings.Repeat("damaged!", 8<<10)), info.Size()/2); err != nil {
		t.Fatal(err)
	}
}
