package test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hourAgo is a time of each day that was due an hour ago: it is emitted at the start, and not again for 23 hours.
func hourAgo() (cron string) {
	due := time.Now().UTC().Add(-time.Hour)
	return fmt.Sprintf("%d %d * * *", due.Minute(), due.Hour())
}

func TestAScheduleEmitsOnceOverARestart(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
sources: { clock: { kind: schedule, cron: "`+hourAgo()+`", action: tick, data: { what: [1, two] } } }
routes: { ticks: { match: clock.tick, where: 'data.what[1] == "two"', handler: { kind: file, dir: out } } }
`)
	p := f.start(t, "run")
	emitted := p.log(t, "scheduled event emitted")
	p.log(t, "delivery done")
	p.kill()
	p = f.start(t, "run")
	again := p.log(t, "scheduled event was emitted before")
	if again["id"] != emitted["id"] {
		t.Errorf("%v after %v", again, emitted)
	}
	if p.stop(t) != 0 {
		t.Error("no clean stop")
	}
	files := filesBelow(t, filepath.Join(f.dir, "out"))
	if len(files) != 1 {
		t.Fatalf("files %v", files)
	}
	text := read(t, filepath.Join(f.dir, "out", files[0]))
	var body struct {
		Due  string
		What []any
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil || len(body.What) != 2 || !strings.Contains(body.Due, "T") {
		t.Errorf("%s, %v", text, err)
	}
	if audit := f.run(t, "audit"); audit.code != 0 || !strings.Contains(audit.stdout, "clock") {
		t.Errorf("audit: %+v", audit)
	}
}
