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

// A spool's folder is restored from a copy: its events, which RabbitMQ has, are published again at most once, because
// receivers know most of them as repeats. None is lost.
func TestARestoredCopyOfASpoolsFolderLosesNothing(t *testing.T) {
	t.Parallel()
	const copied, later = 10, 5
	node := rabbitnode.Start(t)
	f := newFolder(t, "AMQP_URL="+node.URL())
	f.write(t, "hookline.yml", spoolConfig)
	spoolFolder, backup := filepath.Join(f.dir, "data", "spool"), filepath.Join(t.TempDir(), "backup")
	receiver := f.start(t, "receiver")
	receiver.log(t, "connected to RabbitMQ")
	if err := node.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	spooled := func(from, to int) {
		for n := from; n < to; n++ {
			expectAnswer(t, receiver, fmt.Sprint(n), 2000, http.StatusOK)
		}
	}
	spooled(0, copied)
	receiver.stop(t)
	if err := os.CopyFS(backup, os.DirFS(spoolFolder)); err != nil {
		t.Fatal(err)
	}
	receiver = f.start(t, "receiver")
	spooled(copied, copied+later)
	if err := node.StartAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.expectWaiting(t, copied+later)
	receiver.stop(t)
	if err := os.RemoveAll(spoolFolder); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(spoolFolder, os.DirFS(backup)); err != nil {
		t.Fatal(err)
	}
	receiver = f.start(t, "receiver")
	for deadline := time.Now().Add(patience); !strings.Contains(receiver.metrics(t), fmt.Sprintf("hookline_spool_drained_total %d\n", copied)); {
		if time.Now().After(deadline) {
			t.Fatal(receiver.metrics(t))
		}
	}
	n := f.expectWaiting(t, copied+later)
	t.Logf("%d of %d events are stored twice", n-copied-later, copied)
	if n > copied+later+copied {
		t.Errorf("%d events wait", n)
	}
}

// expectWaiting waits until an audit accounts for all events, at least n of which wait. It returns how many do.
func (f folder) expectWaiting(t *testing.T, n int64) int64 {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		shown := f.run(t, "audit", "--json")
		var a broker.Audit
		err := json.Unmarshal([]byte(shown.stdout), &a)
		var waiting int64
		for _, r := range a.Routes {
			waiting += r.Waiting
		}
		if err == nil && shown.code == 0 && waiting >= n && len(a.Sources) == 1 && a.Sources[0].Spooled == 0 {
			return waiting
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d wait, want %d: %+v", waiting, n, shown)
		}
	}
}
