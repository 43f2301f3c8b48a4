package alma_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRunsAreListedPageByPage(t *testing.T) {
	t.Parallel()
	var asked []string
	c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.RequestURI)
		runs := make([]string, 100)
		if r.URL.Query().Get("offset") == "100" {
			runs = runs[:20]
		}
		for i := range runs {
			runs[i] = fmt.Sprintf(`{"id":"%d","end_time":"2026-11-21T04:05:06.789Z","progress":100.3}`, i)
		}
		_, _ = io.WriteString(w, `{"job_instance":[`+strings.Join(runs, ",")+`],"total_record_count":120}`)
	}))
	runs, err := c.JobRuns(t.Context(), "M44", time.Date(2026, 11, 20, 23, 0, 0, 0, time.UTC))
	if err != nil || len(runs) != 120 || runs[119].ID != "19" || runs[0].Ended != "2026-11-21T04:05:06.789Z" {
		t.Errorf("%d runs, %v", len(runs), err)
	}
	const path = "/almaws/v1/conf/jobs/M44/instances?limit=100&offset="
	if len(asked) != 2 || asked[0] != path+"0&submit_date_from=2026-11-20" || asked[1] != path+"100&submit_date_from=2026-11-20" {
		t.Errorf("asked %q", asked)
	}
}

func TestAListOfRunsThatIsNone(t *testing.T) {
	t.Parallel()
	for answer, fails := range map[string]bool{`{"total_record_count":0}`: false, `{"total_record_count":5}`: false, `[]`: true} {
		c := newClient(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
		if runs, err := c.JobRuns(t.Context(), "M44", time.Now()); len(runs) != 0 || (err != nil) != fails {
			t.Errorf("%s: %v, %v", answer, runs, err)
		}
	}
}
