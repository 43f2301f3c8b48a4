package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/worker"
)

const jobEnd = `{"id":"561","action":"JOB_END","time":"2026-11-21T10:00:00.000Z","job_instance":{"id":"561","name":"Export",
"progress":100.3,"status":{"value":"COMPLETED_SUCCESS","desc":"Completed Successfully"},"submitted_by":null,
"counter":[{"type":{"value":"c.jobs.bibExport.link"},"value":"BIBLIOGRAPHIC_1"},{"type":{"value":"label.new.records"},"value":"12"}]}}`

const loan = `{"id":"77","action":"LOAN","event":{"value":"LOAN_CREATED"},"item_loan":{"loan_id":"1","user_id":"u"}}`

func delivery(action, body string) event.Delivery {
	return event.Delivery{Route: "r", Attempt: 1, Event: event.Event{
		ID: "561", Source: "alma", Action: action, Time: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC), ContentType: "application/json",
		Header: map[string]string{"X-Github-Event": "push"}, Data: []byte(body),
	}}
}

func TestFilterChooses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		where, body string
		want        bool
	}{
		{`data.job_instance.status.value == "COMPLETED_SUCCESS"`, jobEnd, true},
		{`data.job_instance.status.value == "COMPLETED_SUCCESS"`, loan, false},
		{`data.job_instance.status.value == "COMPLETED_SUCCESS"`, `<webhook/>`, false},
		{`data.job_instance.status.value == "COMPLETED_SUCCESS"`, ``, false},
		{`data.job_instance.status.value == "x"`, `{"job_instance":{"status":"a text, not an object"}}`, false},
		{`data.action == "BIB"`, "\ufeff" + `{"action":"ITEM","action":"BIB"} `, true},
		{`data.action == "BIB"`, `{"action":"BIB"} {}`, false},
		{`data.job_instance.status.value == null`, loan, true},
		{`data.job_instance.counter[1].value == "12"`, jobEnd, true},
		{`data.job_instance.counter[-1].value == "12"`, jobEnd, true},
		{`data.job_instance.counter[7].value == "12"`, jobEnd, false},
		{`data["job_instance"]["name"] == "Export"`, jobEnd, true},
		{`data?.job_instance?.name == "Export"`, jobEnd, true},
		{`any(data.job_instance.counter, .type.value == "label.new.records" and int(.value) > 5)`, jobEnd, true},
		{`any(data.job_instance.counter, .type.value == "label.new.records")`, loan, false},
		{`len(filter(data.job_instance.counter, .value != "")) == 2`, jobEnd, true},
		{`(data.job_instance.progress ?? 0) > 100`, jobEnd, true},
		{`(data.job_instance.progress ?? 0) > 100`, loan, false},
		{`data.event.value in ["LOAN_CREATED", "LOAN_RETURNED"]`, loan, true},
		{`data.item_loan.user_id matches "^u$"`, loan, true},
		{`data.item_loan.user_id startsWith "u"`, jobEnd, false},
		{`source == "alma" and action == "job_end" and id == "561" and route == "r" and attempt == 1`, jobEnd, true},
		{`header["X-Github-Event"] == "push" and header["X-Other"] == null and header.Missing == null`, jobEnd, true},
		{`time > date("2026-01-01") and time.Hour() == 10`, jobEnd, true},
		{`let job = data.job_instance; job.name == "Export"`, jobEnd, true},
		{`data.flag`, `{"flag":true}`, true},
		{`data.flag`, loan, false},
		{`data == 5`, `5`, true},
	} {
		f, err := worker.NewFilter(c.where)
		if err != nil {
			t.Errorf("%s: %v", c.where, err)
			continue
		}
		if got, err := f.Match(delivery("job_end", c.body)); got != c.want || err != nil {
			t.Errorf("%s of %.40s = %v, %v", c.where, c.body, got, err)
		}
	}
}

func TestFilterWithoutAnAnswerIsAnError(t *testing.T) {
	t.Parallel()
	for _, where := range []string{
		`data.missing < 5`,
		`data.name`, // a text, not true or false
		`not data.missing`,
		`any(5, true)`,
		`data.missing()`,
		`len(1..10000000) > 5`,
		`any(1..3000, any(1..3000, # == 0))`, // a loop in a loop: 9 million turns
	} {
		f, err := worker.NewFilter(where)
		if err != nil {
			t.Errorf("%s: %v", where, err)
			continue
		}
		if got, err := f.Match(delivery("job_end", `{"name":"x"}`)); got || err == nil {
			t.Errorf("%s = %v, %v", where, got, err)
		} else if where == `data.missing < 5` && !strings.Contains(err.Error(), "(data.size ?? 0) > 5") {
			t.Errorf("%s: the error does not show the correction: %v", where, err)
		}
	}
}

func TestFilterErrorsQuoteNothingOfTheEvent(t *testing.T) {
	t.Parallel()
	for _, where := range []string{`int(data.name) > 5`, `date(data.name).Year() > 5`, `duration(data.name).Hours() > 5`, `"x" matches data.name`} {
		f, err := worker.NewFilter(where)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Match(delivery("job_end", `{"name":"Jane (Doe"}`))
		if err == nil || strings.Contains(err.Error(), "Doe") || !strings.Contains(err.Error(), "\n | "+where+"\n | ") {
			t.Errorf("%s: %v", where, err)
		}
	}
}

func TestAFilterThatFailsForAnEventPointsAtThePlace(t *testing.T) {
	t.Parallel()
	f, err := worker.NewFilter(`source == "alma" and data.missing < 5`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Match(delivery("job_end", `{}`)); err == nil || !strings.Contains(err.Error(), "(1:35)") {
		t.Errorf("%v", err)
	}
}

func TestFilterErrorsPointAtThePlace(t *testing.T) {
	t.Parallel()
	for where, want := range map[string]string{
		`dat.x == 1`:                    "unknown name dat",
		`data.x ==`:                     "unexpected token",
		`action`:                        "expected bool",
		`"x" + 1 == "x1"`:               "mismatched types",
		`$env["data"] == 1`:             "$env",
		`action == 5`:                   "mismatched types",
		strings.Repeat("true or ", 600): "longer than",
		``:                              "unexpected token",
	} {
		_, err := worker.NewFilter(where)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v", where, err)
		}
	}
	if _, err := worker.NewFilter(`source == "alma" and dat.x == 1`); err == nil || !strings.Contains(err.Error(), "\n | .....................^") {
		t.Errorf("no caret in %v", err)
	}
}

func FuzzFilterNeverPanics(f *testing.F) {
	var filters []*worker.Filter
	for _, where := range []string{
		`data.job_instance.status.value == "COMPLETED_SUCCESS"`,
		`any(data.a, any(.b, .c == 1))`,
		`data[0].a[data.i] == data.b`,
		`data.a < 5 or data.b contains "x" or sum(map(data.c, len(.d))) > 3`,
	} {
		filter, err := worker.NewFilter(where)
		if err != nil {
			f.Fatal(err)
		}
		filters = append(filters, filter)
	}
	for _, body := range []string{jobEnd, loan, ``, `null`, `[[[]]]`, `{"a":[{"b":[{"c":1}]}]}`, "\xff", `{"a":1e999}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, filter := range filters {
			if got, err := filter.Match(delivery("x", string(body))); got && err != nil {
				t.Errorf("chosen and %v", err)
			}
		}
		if _, err := filters[0].Match(delivery("x", string(body))); err != nil {
			t.Errorf("a comparison with a missing path failed: %v", err)
		}
	})
}

func BenchmarkFilter(b *testing.B) {
	f, err := worker.NewFilter(`data.job_instance.status.value == "COMPLETED_SUCCESS"`)
	if err != nil {
		b.Fatal(err)
	}
	d := event.Delivery{Event: event.Event{ID: "561", Source: "alma", Action: "job_end", Data: []byte(jobEnd)}, Route: "jobs", Attempt: 1}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Match(d); err != nil {
			b.Fatal(err)
		}
	}
}
