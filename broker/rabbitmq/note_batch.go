package rabbitmq

import (
	"strings"
	"time"

	"github.com/hookline/hookline/broker/ledger"
	"github.com/hookline/hookline/pkg/event"
)

const (
	// maxBatch is how many event IDs go into one message of the ledger, of at most 200 bytes each.
	maxBatch = 1000
	// late is how long after its receipt an event is stored that says so in its note: it waited in a spool.
	late = time.Minute
	// maxUnwritten is how many notes are kept while they cannot be written: some 10 MB.
	maxUnwritten = 100_000
)

// noteBatch is what goes into one message of the ledger.
type noteBatch struct {
	notes   []ledger.Note
	at      map[entry]int // in notes
	size    int           // event IDs
	stored  bool          // of accepted events, some of them
	number  int64         // of its message; set before written is closed, 0 if it was given up
	written chan struct{} // closed when the batch is stored, or given up
}

// entry is everything of a note but its IDs.
type entry struct {
	kind                   ledger.Kind
	source, action, routes string
	taken                  int64 // as in the note
}

func newNoteBatch() *noteBatch { return &noteBatch{at: map[entry]int{}, written: make(chan struct{})} }

// add notes what has happened to an event.
func (p *noteBatch) add(kind ledger.Kind, e event.Event, routes []string) {
	same := entry{kind, e.Source, e.Action, strings.Join(routes, " "), 0}
	if kind == ledger.Accepted && time.Since(e.Time) > late {
		same.taken = e.Time.Truncate(time.Second).UnixMilli()
	}
	i, ok := p.at[same]
	if !ok {
		i = len(p.notes)
		p.at[same] = i
		p.notes = append(p.notes, ledger.Note{Kind: kind, Source: e.Source, Action: e.Action, Routes: routes, Taken: same.taken})
	}
	p.notes[i].IDs = append(p.notes[i].IDs, e.ID)
	p.size++
	p.stored = p.stored || kind == ledger.Accepted
}

// isWritten tells whether the batch is stored.
func (p *noteBatch) isWritten() bool {
	select {
	case <-p.written:
		return p.number > 0
	default:
		return false
	}
}
