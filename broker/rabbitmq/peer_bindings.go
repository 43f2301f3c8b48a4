package rabbitmq

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
)

// typeBindings is the AMQP type of ledger messages with the bindings or the end of a process, and without notes of stored events.
const typeBindings = "bindings"

// peerBindings are the bindings of the other processes that run. In a rolling update they can have routes that this configuration lacks.
type peerBindings struct {
	mu    sync.Mutex
	peers map[string]peer // by process
}

// peer is another process.
type peer struct {
	seen    time.Time // when it wrote its bindings last
	routes  ledger.Bindings
	matcher *broker.Matcher
}

func newPeerBindings() *peerBindings { return &peerBindings{peers: map[string]peer{}} }

// fold takes over the bindings of a process, or its end.
func (p *peerBindings) fold(n ledger.Notes) {
	if n.Bindings == nil && !n.Stopped {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgetEnded()
	if n.Stopped {
		delete(p.peers, n.Process)
		return
	}
	var routes []broker.Route
	for _, name := range slices.Sorted(maps.Keys(n.Bindings)) {
		routes = append(routes, broker.Route{Name: name, Match: n.Bindings[name]})
	}
	p.peers[n.Process] = peer{seen: time.UnixMilli(n.Time), routes: n.Bindings, matcher: broker.NewMatcher(routes)}
}

// forgetEnded forgets processes that count as ended.
func (p *peerBindings) forgetEnded() {
	maps.DeleteFunc(p.peers, func(_ string, other peer) bool { return time.Since(other.seen) > ledger.Silence })
}

// match returns the sorted routes of the other processes that match a key.
func (p *peerBindings) match(key string) (routes []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgetEnded()
	for _, other := range p.peers {
		routes = append(routes, other.matcher.Match(key)...)
	}
	slices.Sort(routes)
	return slices.Compact(routes)
}

// have reports whether one of the other processes has a route.
func (p *peerBindings) have(route string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgetEnded()
	for _, other := range p.peers {
		if _, ok := other.routes[route]; ok {
			return true
		}
	}
	return false
}
