package test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/hookline/hookline/sender"
	"github.com/hookline/hookline/test/rabbitnode"
)

// A repeat of an event is handled once: on the embedded broker always, on RabbitMQ if the first is stored before the repeat
// arrives.
func TestARepeatOfASenderIsHandledOnce(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(*testing.T) string{
		"embedded": func(*testing.T) string { return "embedded" },
		"rabbitmq": func(t *testing.T) string { return rabbitnode.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t, "LINE_URL="+url(t))
			f.write(t, "hookline.yml", `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${LINE_URL}" }
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes: { jobs: { match: "#", handler: { kind: log } } }
`)
			p := f.start(t, "run")
			played := f.run(t, "send", "alma", "--all", "--as-sender", "--json", "-n", "10", "--rate", "200", "--repeat", "0.5", "--speed", "6000", "--url", "http://"+p.listen)
			var r sender.Report
			if err := json.Unmarshal([]byte(played.stdout), &r); err != nil || played.code != 0 {
				t.Fatalf("%+v: %v", played, err)
			}
			if r.Messages < 100 || r.AtFirst+r.Later != r.Messages || r.Duplicates < r.Messages/4 || r.DuplicateAnswers["200"] != r.Duplicates {
				t.Errorf("%+v", r)
			}
			accepted, known := p.sum(t, "receiver_accepted_total"), p.sum(t, "receiver_duplicates_total")
			if accepted+known != r.Answers["200"] {
				t.Errorf("%d accepted and %d duplicates, of %d answers", accepted, known, r.Answers["200"])
			}
			if name == "embedded" && accepted != r.Messages || accepted < r.Messages || known == 0 {
				t.Errorf("%d accepted of %d messages", accepted, r.Messages)
			}
			p.awaitDone(t, accepted)
		})
	}
}

// awaitDone waits until want deliveries are done, and checks that no more follow.
func (p *process) awaitDone(t *testing.T, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		done := p.sum(t, "worker_deliveries_total")
		if done == want {
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("%d done, want %d", done, want)
		}
	}
}

// sum adds all series of a metric.
func (p *process) sum(t *testing.T, name string) (n int) {
	t.Helper()
	series := regexp.MustCompile(fmt.Sprintf(`(?m)^hookline_%s(?:\{.*\})? (\S+)$`, name))
	for _, found := range series.FindAllStringSubmatch(p.metrics(t), -1) {
		value, err := strconv.ParseFloat(found[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		n += int(value)
	}
	return n
}
