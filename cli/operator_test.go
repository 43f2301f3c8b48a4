package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/text"
)

// One life of three dead letters and an unrouted event, through every command that looks at and decides about them.
func TestCommandsLookAndDecide(t *testing.T) {
	t.Parallel()
	c := commands{configFile(t, testConfig)}
	p := c.start(t)
	for i, named := range [][2]string{{"one", "loan.loan_created"}, {"two", "loan.loan_created"}, {"two", "loan.loan_returned"}} {
		if code, said := c.run(t, "send", "alma", named[1], "--id", named[0], "--url", "http://"+p.listen); code != ExitOK {
			t.Fatalf("send: %d: %s", code, said)
		}
		p.log.awaitCount(t, `"delivery dead"`, i+1)
	}
	if code, said := c.run(t, "send", "alma", "job_end", "--id", "three", "--url", "http://"+p.listen); code != ExitOK {
		t.Fatalf("send: %d: %s", code, said)
	}
	for _, step := range []struct {
		args string
		code int
		want []string
	}{
		{"health --url http://" + p.private, ExitOK, []string{"ok\n"}},
		{"audit", ExitOK, []string{"Every stored event is accounted for.", "failing 3 "}},
		{"queues", ExitOK, []string{"dead failing 3 -", "unrouted 1 -"}},
		{"dead list", ExitOK, []string{"failing one alma.loan.loan_created", "broken"}},
		{"dead list --limit 2", ExitOK, []string{"(the first 2; --limit shows more)"}},
		{"dead list --group", ExitOK, []string{"failing error 3 "}},
		{"dead list none", ExitUsage, []string{`no route "none"`}},
		{"dead show failing one", ExitOK, []string{`"id": "one"`}},
		{"dead show failing two", ExitUsage, []string{"2 events have the ID two", "--source alma --action loan.loan_returned"}},
		{"dead show failing two --action loan.loan_returned --body", ExitOK, []string{`"two"`}},
		{"dead show failing none", ExitFailed, []string{"no such dead letter with the ID none"}},
		{"dead discard failing", ExitUsage, []string{"give either IDs or --all"}},
		{"dead discard failing one --all", ExitUsage, []string{"give either IDs or --all"}},
		{"dead discard failing --all --all-with-id --yes", ExitUsage, []string{"--all-with-id chooses"}},
		{"dead discard failing --all", ExitUsage, []string{"--yes goes on"}},
		{"send alma --list", ExitOK, []string{"job_end"}},
		{"forget --match 4711", ExitUsage, []string{"--yes goes on"}},
		{"dead discard failing none", ExitFailed, []string{"1 of the 1 IDs belong to no dead letter"}},
		{"dead discard failing one none", ExitFailed, []string{"discarded 1 of route failing", "1 of the 2 IDs belong to no dead letter"}},
		{"dead discard failing two", ExitUsage, []string{"2 events have the ID two"}},
		{"dead discard failing two --action loan.loan_created", ExitOK, []string{"discarded 1 of route failing"}},
		{"dead discard failing two --all-with-id", ExitOK, []string{"discarded 1 of route failing"}},
		{"dead list", ExitOK, []string{"no dead letters"}},
		{"unrouted list", ExitOK, []string{"three alma.job_end"}},
		{"unrouted list --group", ExitOK, []string{"1 ", "alma.job_end"}},
		{"unrouted replay --all", ExitFailed, []string{"1 of them still match no route"}},
		{"unrouted discard --all --source github --yes", ExitOK, []string{"discarded 0 of the unrouted events"}},
		{"unrouted discard --all --yes", ExitOK, []string{"discarded 1 of the unrouted events"}},
		{"topology plan", ExitUsage, []string{"the embedded broker has no topology"}},
		{"audit", ExitOK, []string{"Every stored event is accounted for."}},
	} {
		code, said := c.run(t, strings.Fields(step.args)...)
		for _, want := range step.want {
			if code != step.code || !strings.Contains(joinSpaces(said), joinSpaces(want)) {
				t.Errorf("%s: exit code %d, want %d with %q: %s", step.args, code, step.code, want, said)
			}
		}
	}
	if p.stop(); <-p.code != ExitOK {
		t.Errorf("the stop failed: %s", p.log)
	}
}

// joinSpaces replaces the gaps between columns by one space.
func joinSpaces(s string) string { return strings.Join(strings.Fields(s), " ") }

const downConfig = `
broker: { url: "amqp://127.0.0.1:1/" }
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes: { a: { match: "#", handler: { kind: log } } }
`

// A command that waits says why, and an interruption has an exit code of its own.
func TestACommandThatWaitsCanBeInterrupted(t *testing.T) {
	t.Parallel()
	file := configFile(t, downConfig)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, code := newOutput(), make(chan int, 1)
	go func() { code <- Program{}.Run(ctx, []string{"-c", file, "audit", "--wait", "1h"}, out, out) }()
	if said := out.await(t, "still trying: "); !strings.Contains(said, "(nothing listens there: ") {
		t.Errorf("no reason: %s", said)
	}
	interrupt()
	if got := <-code; got != ExitInterrupted || !strings.Contains(out.String(), "hookline: interrupted: ") {
		t.Errorf("exit code %d: %s", got, out)
	}
	if n := strings.Count(out.String(), "still trying: "); n != 1 {
		t.Errorf("it said %d times that it waits: %s", n, out)
	}
}

func TestACommandGivesUpARefusedConnection(t *testing.T) {
	t.Parallel()
	c := commands{configFile(t, downConfig)}
	for _, args := range []string{"queues", "audit", "audit --wait 10ms"} {
		code, said := c.run(t, strings.Fields(args)...)
		if code != ExitFailed || strings.Contains(said, "interrupted") || args == "queues" && !strings.Contains(said, "nothing listens there") {
			t.Errorf("%s: exit code %d: %s", args, code, said)
		}
	}
}

// waiting is a broker that knows the reason of its waiting after some questions.
type waiting struct {
	app.Operator
	unknown int
}

func (w *waiting) Ready() error {
	if w.unknown--; w.unknown >= 0 {
		return errors.New("not connected yet")
	}
	return fmt.Errorf("%w: the reason", broker.ErrDown)
}

func TestANoticeWaitsForTheReason(t *testing.T) {
	t.Parallel()
	conf := &config.Config{}
	conf.Broker.URL = []string{"amqp://127.0.0.1:1/"}
	for unknown, want := range map[int]string{0: "the reason", unknownTicks - 1: "the reason", unknownTicks: "not connected yet"} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			c := command{stderr: text.NewWriter(&out)}
			stop := c.explainWait(conf, &waiting{unknown: unknown})
			<-time.After(time.Hour)
			if stop(); strings.Count(out.String(), "still trying: ") != 1 || !strings.Contains(out.String(), want) {
				t.Errorf("unknown %d times: %q, want %q", unknown, out.String(), want)
			}
		})
	}
}
