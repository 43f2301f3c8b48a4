package sender

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hookline/hookline/pkg/signature"
)

// maxOpen is the largest number of requests that a player has open at once.
const maxOpen = 64

// PlayConfig configures a Player.
type PlayConfig struct {
	To Target
	// Verifier signs each attempt anew, as senders do. nil: messages stay unsigned.
	Verifier *signature.Verifier
	Schedule RetrySchedule
	// Speed divides the schedule's pauses; more than 0. The deadline of an answer stays the same.
	Speed float64
	// Rate is the number of new messages a second; more than 0. At most 64 requests are open at once.
	Rate float64
	// Repeat is the share of messages that are sent a second time after a 2xx, as if the answer was lost: 0 to 1. The
	// repeat comes together with the first message, right after it, or late and behind younger messages.
	Repeat float64
	// Seed chooses these messages. The same seed makes the same choice.
	Seed uint64
}

// Player plays a sender for one call of Play.
type Player struct {
	cfg      PlayConfig
	slots    chan struct{}
	reporter reporter
}

// NewPlayer returns a player. Its error names every mistake in cfg.
func NewPlayer(cfg PlayConfig) (*Player, error) {
	var errs []error
	if !(cfg.Speed > 0) {
		errs = append(errs, fmt.Errorf("the speed is %v; it must be more than 0", cfg.Speed))
	}
	if !(cfg.Rate > 0) {
		errs = append(errs, fmt.Errorf("the rate is %v; it must be more than 0", cfg.Rate))
	}
	if !(cfg.Repeat >= 0 && cfg.Repeat <= 1) {
		errs = append(errs, fmt.Errorf("the share of repeats is %v; it must be from 0 to 1", cfg.Repeat))
	}
	if _, err := cfg.To.parse(); err != nil {
		errs = append(errs, err)
	}
	return &Player{cfg: cfg, slots: make(chan struct{}, maxOpen), reporter: newReporter()}, errors.Join(errs...)
}

// Play sends the messages until each is accepted or given up, or ctx ends, and returns a report. Repeats wait for the
// pauses of the schedule, so that the order of messages is as mixed as a real sender's.
func (p *Player) Play(ctx context.Context, messages iter.Seq[Message]) Report {
	p.reporter.begin()
	chance := rand.New(rand.NewPCG(p.cfg.Seed, 0)) //nolint:gosec // not a secret: the same seed has to give the same choice
	var open sync.WaitGroup
	for m := range messages {
		copied := p.choose(chance)
		open.Go(func() { p.send(ctx, m, copied) })
		if !wait(ctx, time.Duration(float64(time.Second)/p.cfg.Rate)) {
			break
		}
	}
	open.Wait()
	p.reporter.end()
	return p.Report()
}

// Report returns the report so far. It is safe to call while Play runs.
func (p *Player) Report() Report { return p.reporter.report() }

// duplicate is the time at which a message is sent a second time. The zero value is never.
type duplicate struct {
	together bool          // with the first attempt
	after    bool          // after the message was accepted
	late     time.Duration // additional delay of after
}

// leastLate is the upper limit of a late duplicate's delay for senders whose first pause is shorter than this.
const leastLate = time.Minute

func (p *Player) choose(chance *rand.Rand) duplicate {
	draw, kind, part := chance.Float64(), chance.IntN(3), chance.Float64() // always three numbers, so that Repeat leaves the other choices unchanged
	switch {
	case draw >= p.cfg.Repeat:
		return duplicate{}
	case kind == 0:
		return duplicate{together: true}
	case kind == 1:
		return duplicate{after: true}
	}
	longest := leastLate
	if pauses := p.cfg.Schedule.Pauses; len(pauses) > 0 {
		longest = max(longest, pauses[0])
	}
	return duplicate{after: true, late: time.Duration(part * float64(longest))}
}

// send sends the message until it is accepted or the sender gives up, and then sends its duplicate.
func (p *Player) send(ctx context.Context, m Message, copied duplicate) {
	p.reporter.message()
	if copied.together {
		var beside sync.WaitGroup
		defer beside.Wait()
		beside.Go(func() { p.again(ctx, m) })
	}
	for tries := 1; ; tries++ {
		a, err := p.try(ctx, p.cfg.Schedule.count(m, tries-1))
		if ctx.Err() != nil && !a.accepted(err) {
			return // Report.Unsettled
		}
		p.reporter.tried(a, err)
		if a.accepted(err) {
			p.reporter.accepted(tries)
			if copied.after && wait(ctx, p.pace(copied.late)) {
				p.again(ctx, m)
			}
			return
		}
		pause, more := p.cfg.Schedule.next(tries, a, err)
		if !more {
			p.reporter.givenUp(m, tries, a, err)
			return
		}
		if !wait(ctx, p.pace(pause)) {
			return
		}
	}
}

// again sends a duplicate of the message.
func (p *Player) again(ctx context.Context, m Message) {
	a, err := p.try(ctx, m)
	if ctx.Err() != nil && err != nil {
		return
	}
	p.reporter.tried(a, err)
	p.reporter.duplicate(a, err)
}

func (p *Player) try(ctx context.Context, m Message) (Answer, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	}
	defer func() { <-p.slots }()
	return Send(ctx, p.cfg.To, m, p.cfg.Verifier)
}

// pace returns a pause of the schedule divided by Speed.
func (p *Player) pace(pause time.Duration) time.Duration {
	return time.Duration(float64(pause) / p.cfg.Speed)
}

// wait waits for d. It returns false if ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// accepted reports whether the answer is a success for a sender.
func (a Answer) accepted(err error) bool { return err == nil && a.Code >= 200 && a.Code <= 299 }
