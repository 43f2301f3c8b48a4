package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// fault is a kind of fault.
type fault struct {
	name  string
	place place
	needs need
	hold  time.Duration // how long it lasts when injected alone
	alone bool          // never mixed with others, because the events that it destroys are counted
	fills bool          // it fills a queue, so that events can come twice to the neighbour
	loses bool          // it destroys an unknown number of events, which the audit has to report
	// inject causes the fault and returns the function that ends it.
	inject func(ctx context.Context, t *trial) (heal func(context.Context) error, err error)
}

// place is the part of the installation that a fault hits. Faults of one place follow each other; faults of different places overlap.
type place string

const (
	atReceiver place = "receiver"
	atWorker   place = "worker"
	atNode     place = "node"
	atNetwork  place = "network"
	atDisk     place = "disk"
	atDoor     place = "door"
	atClock    place = "clock"
	atDesk     place = "desk" // of an operator
)

// need is a requirement of a fault on the machine or the set-up.
type need int

const (
	needCluster  need = 1 << iota // three nodes
	needDisks                     // to mount small disks, as root
	needFirewall                  // to drop packets, as root
	needClock                     // a binary whose clock can be moved
)

// step is a fault with its time.
type step struct {
	fault
	at   time.Duration // after the begin of the load; later if another fault holds the place
	hold time.Duration
	seed uint64 // selects the target of the fault
}

// plan is the list of steps of one trial.
type plan struct {
	name  string
	seed  uint64
	steps []step
}

// single returns the plan of one fault alone.
func single(f fault, seed uint64) plan {
	return plan{name: f.name, seed: seed, steps: []step{{fault: f, at: 2 * time.Second, hold: f.hold, seed: seed}}}
}

// together returns a plan of several faults, each a few seconds after the previous one.
func together(name string, from []fault, seed uint64) plan {
	p := plan{name: name, seed: seed}
	for i, f := range from {
		p.steps = append(p.steps, step{fault: f, at: 2*time.Second + time.Duration(i)*apart, hold: f.hold, seed: seed + uint64(i)})
	}
	return p
}

const apart = 4 * time.Second

const (
	mixedFaults = 7
	mixedTime   = 25 * time.Second // the time in which all faults of a mixed plan begin
)

// mixed returns a random plan of the faults. It is the same for the same seed and faults.
func mixed(seed uint64, from []fault) plan {
	random := rand.New(rand.NewPCG(seed, 0))
	from = slices.DeleteFunc(slices.Clone(from), func(f fault) bool { return f.alone })
	p := plan{name: fmt.Sprintf("seed %d", seed), seed: seed}
	for _, i := range random.Perm(len(from))[:min(mixedFaults, len(from))] {
		p.steps = append(p.steps, step{
			fault: from[i],
			at:    time.Duration(1000+random.IntN(int(mixedTime/time.Millisecond))) * time.Millisecond,
			hold:  time.Duration(500+random.IntN(5500)) * time.Millisecond,
			seed:  random.Uint64(),
		})
	}
	slices.SortFunc(p.steps, func(a, b step) int { return int(a.at - b.at) })
	return p
}

func (p plan) needs() (all need) {
	for _, s := range p.steps {
		all |= s.needs
	}
	return all
}

func (p plan) loses() bool { return slices.ContainsFunc(p.steps, func(s step) bool { return s.loses }) }

// fills reports whether a queue gets full, and nothing else makes the workers handle events twice.
func (p plan) fills() bool { return len(p.steps) == 1 && p.steps[0].fills }

// String lists the faults with their begin and duration.
func (p plan) String() string {
	var text []string
	for _, s := range p.steps {
		text = append(text, fmt.Sprintf("%.1f s %s (%.1f s)", s.at.Seconds(), s.name, s.hold.Seconds()))
	}
	return p.name + ": " + strings.Join(text, ", ")
}
