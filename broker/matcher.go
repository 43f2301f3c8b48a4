package broker

import (
	"slices"
	"strings"
)

// Matcher returns the routes to which an AMQP topic exchange routes an event. It is a tree of the words in patterns, so its time
// grows with the words of a key, and hardly with the number of routes. It is safe for concurrent use.
type Matcher struct {
	root  node
	names []string // of the routes
}

// node stands for all patterns that begin with the same words.
type node struct {
	next   map[string]*node // by the next word
	hash   bool             // the last word is "#"
	routes []int            // routes with a pattern of these words
}

// NewMatcher returns a Matcher for routes with valid patterns; see CheckPattern.
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

// Match returns the names of the routes that match a key, in the order of NewMatcher, and nil if no route does.
func (m *Matcher) Match(key string) []string {
	var buffers [2][8]*node // on the stack for most keys
	reached, further := m.root.reach(buffers[0][:0]), buffers[1][:0]
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
	var buffer [8]int
	routes := buffer[:0]
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

// reach adds n to nodes, and the nodes that a "#" after n reaches without a word.
func (n *node) reach(nodes []*node) []*node {
	if n == nil || slices.Contains(nodes, n) {
		return nodes
	}
	return n.next["#"].reach(append(nodes, n))
}
