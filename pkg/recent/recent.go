// Package recent remembers the latest entries of many.
package recent

// Map holds the latest entries, in two generations: it forgets the older generation as a whole. So it costs no more memory for an entry
// than a map. It is not safe for concurrent use.
type Map[K comparable, V any] struct {
	half       int
	young, old map[K]V
}

// NewMap returns a Map of at most limit entries, at least 2. It holds at least the latest half of them.
func NewMap[K comparable, V any](limit int) *Map[K, V] { return &Map[K, V]{half: limit / 2} }

// Get returns the value of a key, and false if it is unknown.
func (m *Map[K, V]) Get(key K) (V, bool) {
	if value, ok := m.young[key]; ok {
		return value, true
	}
	value, ok := m.old[key]
	return value, ok
}

// Put adds an entry as the latest one. Call Delete first for a key that is an entry already and must not count twice.
func (m *Map[K, V]) Put(key K, value V) {
	if m.young == nil || len(m.young) >= m.half {
		m.young, m.old = map[K]V{}, m.young
	}
	m.young[key] = value
}

// Delete forgets an entry.
func (m *Map[K, V]) Delete(key K) {
	delete(m.young, key)
	delete(m.old, key)
}

// Len returns the number of entries. An entry that was put again can count twice.
func (m *Map[K, V]) Len() int { return len(m.young) + len(m.old) }
