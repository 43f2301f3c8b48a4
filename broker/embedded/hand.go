package embedded

import (
	"bytes"
	"fmt"
	"iter"
	"os"
	"sync"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
)

// hand is a file beside the database that holds what is being handled, so that the next process knows what this one
// died with. It is never fsynced: it has to outlast the process and not the machine, whose end is no handler's fault.
//
// It is a text of lines of one length: route, at and seq of a delivery, or blanks.
type hand struct {
	file *os.File
	log  *zap.Logger

	mu    sync.Mutex
	lines int           // in the file
	free  []int         // blank ones
	left  map[place]int // what a process before this one died with, until it is taken again
}

// handLine is the length of a line: a route's name, two numbers of 64 bits, and what is between them.
const handLine = broker.MaxRoute + 20 + 20 + 3

func openHand(path string, log *zap.Logger) (*hand, error) {
	f, err := os.OpenFile(handPath(path), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot note what is being handled; give this user write access to %s.hand: %w", path, err)
	}
	text, err := os.ReadFile(f.Name())
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("read what was being handled: %w", err)
	}
	h := &hand{file: f, log: log, left: map[place]int{}}
	for p, handled := range handLines(text) {
		if handled {
			h.left[p] = h.lines
		} else {
			h.free = append(h.free, h.lines)
		}
		h.lines++
	}
	return h, nil
}

func handPath(line string) string { return line + ".hand" }

// handLines reads what is being handled, and false for each blank line.
func handLines(text []byte) iter.Seq2[place, bool] {
	return func(yield func(place, bool) bool) {
		for line := range bytes.Lines(text) {
			var p place
			n, _ := fmt.Sscan(string(line), &p.route, &p.at, &p.seq)
			if !yield(p, n == 3) {
				return
			}
		}
	}
}

// has tells whether a process before this one died with p.
func (h *hand) has(p place) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.left[p]
	return ok
}

// take notes that p is being handled, in the line that it returns. Without it a crash would not be counted, but the
// work can go on: an error is only logged.
func (h *hand) take(p place) (line int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if line, ok := h.left[p]; ok {
		delete(h.left, p)
		return line
	}
	if n := len(h.free); n > 0 {
		line, h.free = h.free[n-1], h.free[:n-1]
	} else {
		line = h.lines
		h.lines++
	}
	h.write(line, fmt.Appendf(nil, "%-*s %20d %20d\n", broker.MaxRoute, p.route, p.at, p.seq))
	return line
}

// give notes that what was in the line is not handled any more.
func (h *hand) give(line int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.write(line, fmt.Appendf(nil, "%*s\n", handLine-1, ""))
	h.free = append(h.free, line)
}

// drop forgets what a process before this one died with, if it is no longer so.
func (h *hand) drop(stillThere func(place) (bool, error)) error {
	for p := range h.left {
		there, err := stillThere(p)
		if err != nil {
			return err
		}
		if !there {
			h.give(h.take(p))
		}
	}
	return nil
}

func (h *hand) write(line int, text []byte) {
	if _, err := h.file.WriteAt(text, int64(line)*handLine); err != nil {
		h.log.Warn("cannot note what is being handled: a crash now would not count as an attempt", zap.Error(err))
	}
}
