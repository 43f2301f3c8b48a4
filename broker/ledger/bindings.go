package ledger

import (
	"maps"
	"slices"
	"time"
)

// Bindings are the patterns of routes, by route.
type Bindings map[string][]string

// BeatInterval is the longest time between two messages of a running process that declares bindings.
const BeatInterval = 5 * time.Minute

// Silence is the time after its latest message from which a process counts as ended. A process that stops cleanly says so.
const Silence = 3 * BeatInterval

// bind folds the bindings that a process has declared or removed, and the end of the process.
func (b *Book) bind(p *process, n Notes) {
	if n.Bindings != nil {
		p.bindings = n.Bindings
		for route, patterns := range n.Bindings {
			b.bindings[route] = union(b.bindings[route], patterns)
			b.declareExternal(route, slices.Contains(n.External, route))
		}
	}
	if n.Stopped {
		p.bindings = nil
	}
	for route, patterns := range n.Unbound {
		b.bindings[route] = without(b.bindings[route], patterns) // stays when it is empty, so that the route is known
	}
}

// Declared returns the bindings of all processes that run at now.
func (b *Book) Declared(now time.Time) Bindings {
	all := Bindings{}
	for _, p := range b.processes {
		if now.Sub(p.seen) > Silence {
			continue
		}
		for route, patterns := range p.bindings {
			all[route] = union(all[route], patterns)
		}
	}
	return all
}

// Stale returns the bindings that processes have declared and that no process which runs at now has in its configuration.
func (b *Book) Stale(now time.Time) Bindings {
	declared, stale := b.Declared(now), Bindings{}
	for route, patterns := range b.bindings {
		if left := without(patterns, declared[route]); len(left) > 0 {
			stale[route] = left
		}
	}
	return stale
}

// Patterns returns the patterns by which a route is bound, as far as processes have declared them and nobody has removed them. It
// returns false if no process has declared the route since processes do that.
func (b *Book) Patterns(route string) (patterns []string, known bool) {
	patterns, known = b.bindings[route]
	return slices.Clone(patterns), known
}

// union returns the sorted words of both lists, in a new list.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// without returns the words of all that are not in some.
func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(word string) bool { return slices.Contains(some, word) })
}

// declaredBindings returns the bindings of a process for a summary, and nil for one that has ended.
func (p *process) declaredBindings(latest time.Time) Bindings {
	if latest.Sub(p.seen) > Silence {
		return nil
	}
	return p.bindings
}

// latestSeen returns when the latest message of all processes came.
func (b *Book) latestSeen() (latest time.Time) {
	for p := range maps.Values(b.processes) {
		if p.seen.After(latest) {
			latest = p.seen
		}
	}
	return latest
}
