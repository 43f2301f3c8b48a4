package rabbitmq

import (
	"strings"
	"time"

	"github.com/hookline/hookline/broker/ledger"
	"github.com/hookline/hookline/pkg/event"
)

const (
	// maxBatch is the number of event IDs in one message of the ledger. An ID has at most 200 bytes.
	maxBatch = 1000
	// lateAfter is the age from which a note of an accepted event carries the time of receipt: the event waited in a spool.
	lateAfter = time.Minute
	// maxUnwritten is how many notes wait while the ledger cannot be written: about 10 MB.
	maxUnwritten = 100_000
)

// noteBatch holds the notes of one message of the ledger.
type noteBatch struct {
	notes    []ledger.Note
	index    map[noteKey]int // in notes
	size     int             // event IDs
	accepted bool            // has notes of stored events
	number   int64           // of its message; set before written is closed, 0 if the batch was dropped
	written  chan struct{}   // closed when the batch is stored, or dropped
}

// noteKey is a note without its event IDs.
type noteKey struct {
	kind                            ledger.Kind
	source, action, routes, lacking string
	counted                         bool
	taken                           int64
}

func newNoteBatch() *noteBatch {
	return &noteBatch{index: map[noteKey]int{}, written: make(chan struct{})}
}

// add adds e to the note that equals n but for its event IDs, or begins n.
func (b *noteBatch) add(n ledger.Note, e event.Event) {
	storing := n.Kind == ledger.Accepted || n.Kind == ledger.Partly
	if storing && time.Since(e.Time) > lateAfter {
		n.Taken = e.Time.Truncate(time.Second).UnixMilli()
	}
	key := noteKey{n.Kind, n.Source, n.Action, strings.Join(n.Routes, " "), strings.Join(n.Lacking, " "), n.Counted, n.Taken}
	i, ok := b.index[key]
	if !ok {
		i = len(b.notes)
		b.index[key] = i
		b.notes = append(b.notes, n)
	}
	b.notes[i].IDs = append(b.notes[i].IDs, e.ID)
	b.size++
	b.accepted = b.accepted || storing
}

// isWritten reports whether the batch is stored.
func (b *noteBatch) isWritten() bool {
	select {
	case <-b.written:
		return b.number > 0
	default:
		return false
	}
}
