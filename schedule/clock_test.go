package schedule_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/schedule"
)

func TestClocksThatChange(t *testing.T) {
	for _, c := range []struct{ cron, from, want string }{
		{"30 2 * * *", "2026-03-28T12:00:00Z", "nightly-20260330T003000Z"},                          // 02:30 is skipped on the 29th
		{"30 2 * * *", "2026-10-24T12:00:00Z", "nightly-20261025T003000Z nightly-20261025T013000Z"}, // 02:30 is repeated on the 25th
		{"0 12 * * *", "2026-03-28T00:00:00Z", "nightly-20260328T110000Z nightly-20260329T100000Z"},
	} {
		synctest.Test(t, func(t *testing.T) {
			from, err := time.Parse(time.RFC3339, c.from)
			if err != nil {
				t.Fatal(err)
			}
			pass(time.Until(from))
			l := &fakeBroker{leader: 1}
			_, _, stop := start(t, member{l, 1}, 0, map[string]schedule.Source{"nightly": {Cron: c.cron, Zone: "Europe/Vienna"}})
			pass(36*time.Hour + time.Hour)
			if l.ids() != c.want {
				t.Errorf("%s from %s: %q", c.cron, c.from, l.ids())
			}
			stop()
		})
	}
}

// slow is a broker with one election that takes as long as jump, as if the clock jumped.
type slow struct {
	member
	jump time.Duration
}

func (s *slow) Leads(ctx context.Context, _ broker.LeaderRole) (bool, error) {
	if time.Now().After(time.Date(2000, 1, 1, 0, 1, 0, 0, time.UTC)) && s.jump > 0 {
		<-time.After(s.jump)
		s.jump = 0
	}
	return s.member.Leads(ctx, broker.LeadSchedule)
}

func TestAClockThatJumpsByYears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // as a clock that began in 1970 and is set
		l := &fakeBroker{leader: 1}
		_, _, stop := start(t, &slow{member{l, 1}, 7 * 365 * 24 * time.Hour}, 0, map[string]schedule.Source{
			"yearly": {Cron: "@yearly"}, "leap": {Cron: "0 0 29 2 *"},
		})
		pass(7*365*24*time.Hour + 2*time.Minute)
		if l.ids() != "yearly-20060101T000000Z" {
			t.Errorf("events that were due more than a year ago are emitted: %q", l.ids())
		}
		stop()
	})
}
