package receiver

import (
	"crypto/sha256"
	"hash/maphash"
	"sync"

	"github.com/hookline/hookline/pkg/recent"
	"github.com/hookline/hookline/pkg/signature"
)

// maxRecent is the largest number of messages that a memory holds. A memory takes about 4 MB then.
const maxRecent = 100_000

// repeats recognises messages of one source by their parts: another body with the same ID, and another ID with the same
// signature. It remembers the latest stored messages of this process, at least maxRecent/2. It is safe for concurrent use.
type repeats struct {
	seed       maphash.Seed
	bodies     *memory // by action and ID: the body
	signatures *memory // by action and signature: the ID
}

// marks are the keys and values of one message in a repeats.
type marks struct {
	id, signature    mark // zero: the message has none
	bodyHash, idHash uint64
	otherBody        bool // the last message with its ID and action had another body
	copied           bool // the last message with its signature and action had another ID, which the sender did not sign
}

type mark [16]byte

func newRepeats() *repeats {
	return &repeats{seed: maphash.MakeSeed(), bodies: newMemory(), signatures: newMemory()}
}

// mark compares a message with the latest ones.
func (r *repeats) mark(found identity, body []byte, proof signature.Proof, unsignedID bool) marks {
	var m marks
	if found.named != "" {
		m.id, m.bodyHash = markOf(found.action, found.named), maphash.Bytes(r.seed, body)
		last, known := r.bodies.get(m.id)
		m.otherBody = known && last != m.bodyHash
	}
	if unsignedID && !found.made {
		m.signature, m.idHash = markOf(found.action, string(proof.Sum[:])), maphash.String(r.seed, found.id)
		last, known := r.signatures.get(m.signature)
		m.copied = known && last != m.idHash
	}
	return m
}

// remember records a stored message. A message that is not stored yet is not remembered, because its copy would be answered 200.
func (r *repeats) remember(m marks) {
	if m.id != (mark{}) {
		r.bodies.put(m.id, m.bodyHash)
	}
	if m.signature != (mark{}) {
		r.signatures.put(m.signature, m.idHash)
	}
}

func markOf(action, text string) mark {
	var buffer [512]byte
	sum := sha256.Sum256(append(append(append(buffer[:0], action...), ' '), text...))
	return mark(sum[:16])
}

// memory holds the latest entries. It is safe for concurrent use.
type memory struct {
	mu      sync.Mutex
	entries *recent.Map[mark, uint64]
}

func newMemory() *memory { return &memory{entries: recent.NewMap[mark, uint64](maxRecent)} }

func (m *memory) get(key mark) (uint64, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.entries.Get(key)
}

func (m *memory) put(key mark, value uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries.Put(key, value)
}
