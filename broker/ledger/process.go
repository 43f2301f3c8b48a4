package ledger

import "time"

const (
	// maxProcesses bounds the processes in a book.
	maxProcesses = 1000
	// freshness is how long the held deliveries of a process count after its latest message.
	freshness = 30 * time.Second
)

// HoldInterval is the longest time between two messages of a process that holds deliveries.
const HoldInterval = 5 * time.Second

// process is the state of a process after its latest message.
type process struct {
	number  int64
	offset  int64 // of its latest message
	seen    time.Time
	held    map[string]int64
	running map[string]int64
	peak    map[string]int64 // the most deliveries that it held since Mark, by route

	bindings Bindings // of its configuration; nil after its end
}

// process returns the state of a process. A new process replaces the one that is silent for longest if there are too many.
func (b *Book) process(name string, offset int64) *process {
	p := b.processes[name]
	if p == nil {
		if len(b.processes) >= maxProcesses {
			b.forgetProcess()
		}
		p = &process{}
		b.processes[name] = p
	}
	p.offset = offset
	return p
}

func (b *Book) forgetProcess() {
	var oldest string
	for name, p := range b.processes {
		if oldest == "" || p.offset < b.processes[oldest].offset {
			oldest = name
		}
	}
	delete(b.processes, oldest)
	b.strangers = true
}

func (p *process) raisePeak() {
	if p.peak == nil {
		p.peak = map[string]int64{}
	}
	for route, n := range p.held {
		p.peak[route] = max(p.peak[route], n)
	}
}
