package broker

import (
	"slices"
	"strings"
)

// Matcher tells which routes an AMQP topic exchange gives an event to. It is a tree of the patterns' words, so that a key's
// words count, and hardly the number of routes. It is safe for concurrent use.
type Matcher struct {
	root  node
	names []string // of the routes
}

// node stands for all patterns that begin with the same words.
type node struct {
	next   map[string]*node // by the next word
	hash   bool             // the last of the words is "#"
	routes []int            // that have a pattern of just these words
}

// NewMatcher makes one. The patterns have to be what CheckPattern takes.
func NewMatcher(routes []Route) *Matcher {
	m := &Matcher{}
	for i, r := range routes {
		m.names = append(m.names, r.Name)
		for _, pattern := range r.Match {
			n := &m.root
			for word := range strings.SplitSeq(pattern, ".") {
				n = n.child(word)
			}
			n.routes = append(n.routes, i)
		}
	}
	return m
}

func (n *node) child(word string) *node {
	if n.next == nil {
		n.next = map[string]*node{}
	}
	if n.next[word] == nil {
		n.next[word] = &node{hash: word == "#"}
	}
	return n.next[word]
}

// Match names the routes that take a key, in the order in which they were given; nil if there is none.
func (m *Matcher) Match(key string) []string {
	var rooms [2][8]*node // so that little is allocated
	reached, further := m.root.reach(rooms[0][:0]), rooms[1][:0]
	for word := range strings.SplitSeq(key, ".") {
		for _, n := range reached {
			if n.hash {
				further = n.reach(further)
			}
			further = n.next[word].reach(further)
			further = n.next["*"].reach(further)
		}
		reached, further = further, reached[:0]
	}
	var room [8]int
	routes := room[:0]
	for _, n := range reached {
		routes = append(routes, n.routes...)
	}
	slices.Sort(routes)
	var names []string
	for _, i := range slices.Compact(routes) {
		names = append(names, m.names[i])
	}
	return names
}

// reach adds n, and what a "#" after it reaches without a word.
func (n *node) reach(nodes []*node) []*node {
	if n == nil || slices.Contains(nodes, n) {
		return nodes
	}
	return n.next["#"].reach(append(nodes, n))
}
