package config_test

import (
	"strings"
	"testing"
)

func TestAPatternOfNoSourceIsWarnedOf(t *testing.T) {
	t.Parallel()
	c, err := parse(t, `sources:
  alma: { preset: alma, secrets: first-test-secret }
  nightly: { kind: schedule, cron: '@daily' }
routes:
  a: { match: almo.job_end, handler: { kind: log } }
  b: { match: ["#", "*.job_end", alma, alma.loan.#, nightly.due, clock.due], handler: { kind: log } }
`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range c.Warnings() {
		got = append(got, w.Error())
	}
	want := []string{
		`hookline.yml:5:15: routes.a.match: there is no source "almo", so no event that Hookline receives matches almo.job_end`,
		`hookline.yml:6:66: routes.b.match[5]: there is no source "clock", so no event that Hookline receives matches clock.due`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}
