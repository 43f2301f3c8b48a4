package test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/test/rabbitnode"
)

// hourAgo returns the cron of a daily time that was due an hour ago. It is emitted at the start, and next in 23 hours.
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

// TestOneOfTwoReceiversEmits takes more than a minute, because a new leader waits until the leader before has surely ended.
func TestOneOfTwoReceiversEmits(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "AMQP_URL="+rabbitnode.URL(t))
	f.write(t, "hookline.yml", `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${AMQP_URL}" }
sources: { clock: { kind: schedule, cron: "`+hourAgo()+`" } }
routes: { ticks: { match: clock.due, handler: { kind: log } } }
`)
	worker := f.start(t, "worker")
	first := f.start(t, "receiver")
	g := f
	g.dir = t.TempDir() // its own folder, as on another machine
	g.write(t, "hookline.yml", read(t, filepath.Join(f.dir, "hookline.yml")))
	second := g.start(t, "receiver")
	ofFirst, ofSecond := scheduled(first), scheduled(second)
	emitter, other := first, ofSecond
	select {
	case message := <-ofFirst:
		if message != "scheduled event emitted" {
			t.Error(message)
		}
	case message := <-ofSecond:
		emitter, other = second, ofFirst
		if message != "scheduled event emitted" {
			t.Error(message)
		}
	case <-time.After(patience):
		t.Fatal("nobody emits")
	}
	worker.log(t, "delivery done")
	if emitter.stop(t) != 0 {
		t.Error("no clean stop")
	}
	select {
	case message := <-other:
		if message != "scheduled event was emitted before" {
			t.Error(message)
		}
	case <-time.After(patience):
		t.Fatal("the other does not take over")
	}
	if !strings.Contains(worker.metrics(t), `hookline_worker_deliveries_total{outcome="done",route="ticks"} 1`) {
		t.Error("not done once")
	}
}

// scheduled returns the messages that a process logs about scheduled events.
func scheduled(p *process) <-chan string {
	found := make(chan string, 100)
	go func() {
		for {
			select {
			case line := <-p.lines:
				if message, _ := line["msg"].(string); strings.HasPrefix(message, "scheduled event") {
					found <- message
				}
			case <-p.ended:
				return
			}
		}
	}()
	return found
}
