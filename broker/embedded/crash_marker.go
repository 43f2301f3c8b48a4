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

// crashMarker is a file beside the database that lists the deliveries that this process handles. After a crash the next process marks
// them as Redelivered. The file is never fsynced, because it has to outlast the process only: a failure of the machine is no
// handler's fault.
//
// All lines of the file have the same length. Each holds the route, at and seq of a delivery, or blanks.
type crashMarker struct {
	file *os.File
	log  *zap.Logger

	mu      sync.Mutex
	lines   int           // in the file
	free    []int         // blank lines
	crashed map[place]int // deliveries of an earlier process that crashed, until they are handled again
}

// markerLine is the length of a line: the name of a route, two numbers of 64 bits, and the separators.
const markerLine = broker.MaxRoute + 20 + 20 + 3

func openCrashMarker(path string, log *zap.Logger) (*crashMarker, error) {
	f, err := os.OpenFile(markerPath(path), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot list running deliveries; give this user write access to %s: %w", markerPath(path), err)
	}
	text, err := os.ReadFile(f.Name())
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("read the deliveries of the process before: %w", err)
	}
	m := &crashMarker{file: f, log: log, crashed: map[place]int{}}
	for p, handled := range markerLines(text) {
		if handled {
			m.crashed[p] = m.lines
		} else {
			m.free = append(m.free, m.lines)
		}
		m.lines++
	}
	return m, nil
}

// markerPath returns the path of the file. Its suffix ".hand" is that of earlier versions, so that an update finds the file of the crashed
// process.
func markerPath(database string) string { return database + ".hand" }

// markerLines returns the delivery in each line, and false for a blank line.
func markerLines(text []byte) iter.Seq2[place, bool] {
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

// has reports whether an earlier process crashed while it handled p.
func (m *crashMarker) has(p place) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.crashed[p]
	return ok
}

// add lists p, and returns its line. It only logs an error, because the work can continue: a crash would then not count as an attempt.
func (m *crashMarker) add(p place) (line int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if line, ok := m.crashed[p]; ok {
		delete(m.crashed, p)
		return line
	}
	if n := len(m.free); n > 0 {
		line, m.free = m.free[n-1], m.free[:n-1]
	} else {
		line = m.lines
		m.lines++
	}
	m.write(line, fmt.Appendf(nil, "%-*s %20d %20d\n", broker.MaxRoute, p.route, p.at, p.seq))
	return line
}

// remove clears a line.
func (m *crashMarker) remove(line int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.write(line, fmt.Appendf(nil, "%*s\n", markerLine-1, ""))
	m.free = append(m.free, line)
}

// prune removes deliveries of an earlier process that no longer wait.
func (m *crashMarker) prune(isWaiting func(place) (bool, error)) error {
	for p := range m.crashed {
		waiting, err := isWaiting(p)
		if err != nil {
			return err
		}
		if !waiting {
			m.remove(m.add(p))
		}
	}
	return nil
}

func (m *crashMarker) write(line int, text []byte) {
	if _, err := m.file.WriteAt(text, int64(line)*markerLine); err != nil {
		m.log.Warn("a running delivery cannot be listed; a crash now would not count as an attempt", zap.Error(err))
	}
}
