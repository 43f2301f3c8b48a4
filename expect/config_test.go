package expect_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookline/hookline/expect"
	"github.com/hookline/hookline/pkg/setting"
)

// TestDueTimes compares the due times after an event, also where the clocks of Vienna change: on 26 March 2000 the hour from 2 is skipped, and
// on 29 October it comes twice.
func TestDueTimes(t *testing.T) {
	t.Parallel()
	const vienna = "Europe/Vienna"
	for name, c := range map[string]struct {
		config    expect.Config
		last, due string
	}{
		"a period":                        {expect.Config{Every: 90 * time.Minute}, "2000-05-01T12:00:00Z", "2000-05-01T13:30:00Z"},
		"on time, by":                     {expect.Config{Every: 24 * time.Hour, By: "06:00"}, "2000-05-01T05:50:00Z", "2000-05-02T06:00:00Z"},
		"late, by":                        {expect.Config{Every: 24 * time.Hour, By: "06:00"}, "2000-05-01T06:10:00Z", "2000-05-03T06:00:00Z"},
		"late, a shorter period":          {expect.Config{Every: 12 * time.Hour, By: "06:00"}, "2000-05-01T06:10:00Z", "2000-05-02T06:00:00Z"},
		"exactly then":                    {expect.Config{Every: 24 * time.Hour, By: "06:00"}, "2000-05-01T06:00:00Z", "2000-05-02T06:00:00Z"},
		"a week":                          {expect.Config{Every: 7 * 24 * time.Hour, By: "06:00"}, "2000-05-01T05:00:00Z", "2000-05-08T06:00:00Z"},
		"a zone":                          {expect.Config{Every: 24 * time.Hour, By: "06:00", Zone: vienna}, "2000-05-01T02:00:00Z", "2000-05-02T04:00:00Z"},
		"a day of 23 hours":               {expect.Config{Every: 24 * time.Hour, Zone: vienna}, "2000-03-25T12:00:00Z", "2000-03-26T11:00:00Z"},
		"a day of 25 hours":               {expect.Config{Every: 24 * time.Hour, Zone: vienna}, "2000-10-28T11:00:00Z", "2000-10-29T12:00:00Z"},
		"by, a day of 23 hours":           {expect.Config{Every: 24 * time.Hour, By: "06:00", Zone: vienna}, "2000-03-25T04:00:00Z", "2000-03-26T04:00:00Z"},
		"by, a day of 25 hours":           {expect.Config{Every: 24 * time.Hour, By: "06:00", Zone: vienna}, "2000-10-28T03:00:00Z", "2000-10-29T05:00:00Z"},
		"by in the hour that is skipped":  {expect.Config{Every: 12 * time.Hour, By: "02:30", Zone: vienna}, "2000-03-25T12:00:00Z", "2000-03-26T01:30:00Z"},
		"by in the hour that comes twice": {expect.Config{Every: 12 * time.Hour, By: "02:30", Zone: vienna}, "2000-10-28T12:00:00Z", "2000-10-29T01:30:00Z"},
	} {
		synctest.Test(t, func(t *testing.T) {
			until(t, c.last)
			w := &world{}
			p := watch(t, w, filepath.Join(t.TempDir(), "expected.json"), c.config) // as if an event came now
			defer p.stop()
			due, err := time.Parse(time.RFC3339, c.due)
			if err != nil {
				t.Fatal(err)
			}
			until(t, due.Format(time.RFC3339))
			if len(w.now().told) > 0 {
				t.Errorf("%s: told too early: %v", name, w.ids())
			}
			until(t, due.Add(11*time.Second).Format(time.RFC3339))
			if want := "missing-r-" + due.Format("20060102T150405Z"); len(w.now().told) != 1 || w.now().told[0].ID != want {
				t.Errorf("%s: told %v, want %s", name, w.ids(), want)
			}
		})
	}
}

func TestEveryWrongFieldIsNamed(t *testing.T) {
	t.Parallel()
	var fields []string
	for _, f := range setting.Fields(expect.Config{Every: -1, By: "25:00", Zone: "Mars"}.Check()) {
		fields = append(fields, f.Field)
	}
	if got := strings.Join(fields, " "); got != "every by zone" {
		t.Error(got)
	}
	for _, right := range []expect.Config{{Every: time.Second}, {Every: expect.MaxEvery, By: "00:00", Zone: "Europe/Vienna"}} {
		if err := right.Check(); err != nil {
			t.Errorf("%+v: %v", right, err)
		}
	}
}
