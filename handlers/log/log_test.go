package log_test

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/handlers/log"
	"github.com/hookline/hookline/pkg/event"
)

func TestLogsChosenFieldsAndNeverTheBody(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 300)
	for _, c := range []struct{ body, want string }{
		{`{"job":{"status":"OK","n":[{"v":1},{"v":2}]},"secret":"x"}`, "map[job.n.#:2 job.status:OK]"},
		{"\ufeff" + `{"job":{"status":"KO"},"job":{"status":"OK"}} `, "map[job.status:OK]"},
		{`{"job":{"status":"OK"}} {}`, "<nil>"},
		{`{"job":{"status":"x` + long + `"}}`, "map[job.status:x" + long[:254] + "...]"}, // no half of a character
		{`{"secret":1}`, "<nil>"},
		{`{"job":{"status":"OK"},"secret":`, "<nil>"},
		{`<secret/>`, "<nil>"},
		{`{"job":{"status":"OK"},"n":` + strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001) + `}`, "<nil>"},
		{strings.Repeat("[", 64<<20), "<nil>"}, // gjson's own check would end the process
		{`{"job":{"status":"` + long[:256] + `"}}`, "map[job.status:" + long[:256] + "]"},
		{`{"job":{"status":"` + long + `"}}`, "map[job.status:" + long[:256] + "...]"},
	} {
		core, logs := observer.New(zapcore.InfoLevel)
		h, err := log.New(log.Config{Fields: []string{"job.status", "job.n.#"}}, zap.New(core))
		if err != nil {
			t.Fatal(err)
		}
		d := event.Delivery{Route: "r", Event: event.Event{ID: "42", Source: "alma", Action: "job_end", Data: []byte(c.body)}}
		if err := h.Handle(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		got := logs.All()[0].ContextMap()
		if logs.Len() != 1 || got["id"] != "42" || got["size"] != int64(len(c.body)) || fmt.Sprint(got["fields"]) != c.want {
			t.Errorf("%.100s: %v", c.body, got)
		}
		if strings.Contains(fmt.Sprint(got), "secret") {
			t.Errorf("the body is logged: %v", got)
		}
	}
}

func TestOneFieldIsLogged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fields []string
		want   string
	}{"none": {nil, "<nil>"}, "one": {[]string{"a"}, "map[a:1]"}} {
		core, logs := observer.New(zapcore.InfoLevel)
		h, err := log.New(log.Config{Fields: c.fields}, zap.New(core))
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Handle(t.Context(), event.Delivery{Event: event.Event{Data: []byte(`{"a":1}`)}}); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(logs.All()[0].ContextMap()["fields"]); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestNewRefusesFieldsThatLogTheBody(t *testing.T) {
	t.Parallel()
	_, err := log.New(log.Config{Fields: []string{"@this", "a.@reverse", "", "{a,b}"}}, zap.NewNop())
	if err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Error(err)
	}
}
