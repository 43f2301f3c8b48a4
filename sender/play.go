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

// maxOpen is how many requests a player has under way at most.
const maxOpen = 64

// PlayConfig says how a sender is played.
type PlayConfig struct {
	To Target
	// Verifier signs each try anew, as senders do; nil: nothing is signed.
	Verifier *signature.Verifier
	Schedule Schedule
	// Speed divides the schedule's pauses; more than 0. The deadline of an answer stays as it is.
	Speed float64
	// Rate is how many messages are begun a second; more than 0. At most 64 requests are under way.
	Rate float64
	// Repeat is the share of messages that are sent a second time although they were answered 2xx, as after an answer
	// that was lost: at the same time as the first, right after it, or late, behind younger ones. 0 to 1.
	Repeat float64
	// Seed makes the same choice of these messages each time.
	Seed uint64
}

// Player plays a sender. It is used once.
type Player struct {
	cfg    PlayConfig
	slots  chan struct{}
	record record
}

// NewPlayer checks all of cfg.
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
	return &Player{cfg: cfg, slots: make(chan struct{}, maxOpen), record: newRecord()}, errors.Join(errs...)
}

// Play sends the messages until each is accepted or given up, or ctx ends, and reports. A repeat is never sent before its
// pause is over, so the order of messages is as mixed as a real sender's.
func (p *Player) Play(ctx context.Context, messages iter.Seq[Message]) Report {
	p.record.begin()
	chance := rand.New(rand.NewPCG(p.cfg.Seed, 0)) //nolint:gosec // not a secret: the same again is wanted
	var under sync.WaitGroup
	for m := range messages {
		copied := p.choose(chance)
		under.Go(func() { p.send(ctx, m, copied) })
		if !wait(ctx, time.Duration(float64(time.Second)/p.cfg.Rate)) {
			break
		}
	}
	under.Wait()
	p.record.end()
	return p.Report()
}

// Report is how it stands so far. It is safe to call while Play runs.
func (p *Player) Report() Report { return p.record.report() }

// duplicate says when a message is sent a second time.
type duplicate struct {
	together bool          // with the first try
	after    bool          // after the message was accepted, and
	late     time.Duration // so long after
}

// leastLate is how late a late duplicate of a sender may be whose first pause is shorter.
const leastLate = time.Minute

func (p *Player) choose(chance *rand.Rand) duplicate {
	draw, kind, part := chance.Float64(), chance.IntN(3), chance.Float64() // always three, so that a share changes no other choice
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

// send tries until the message is accepted or the sender would give up, and then sends its duplicate.
func (p *Player) send(ctx context.Context, m Message, copied duplicate) {
	p.record.message()
	if copied.together {
		var beside sync.WaitGroup
		defer beside.Wait()
		beside.Go(func() { p.again(ctx, m) })
	}
	for tries := 1; ; tries++ {
		a, err := p.try(ctx, p.cfg.Schedule.count(m, tries-1))
		if ctx.Err() != nil && !a.accepted(err) {
			return // unsettled
		}
		p.record.tried(a, err)
		if a.accepted(err) {
			p.record.accepted(tries)
			if copied.after && wait(ctx, p.pace(copied.late)) {
				p.again(ctx, m)
			}
			return
		}
		pause, more := p.cfg.Schedule.next(tries, a, err)
		if !more {
			p.record.givenUp(m, tries, a, err)
			return
		}
		if !wait(ctx, p.pace(pause)) {
			return
		}
	}
}

// again sends a message that needed no repeat once more.
func (p *Player) again(ctx context.Context, m Message) {
	a, err := p.try(ctx, m)
	if ctx.Err() != nil && err != nil {
		return
	}
	p.record.tried(a, err)
	p.record.duplicate(a, err)
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

// pace is a pause of the sender's as it is played.
func (p *Player) pace(pause time.Duration) time.Duration {
	return time.Duration(float64(pause) / p.cfg.Speed)
}

// wait returns false if ctx ends first.
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

// accepted tells whether a sender takes this for success.
func (a Answer) accepted(err error) bool { return err == nil && a.Code >= 200 && a.Code <= 299 }
