package ledger

import "time"

const (
	// maxProcesses is how many processes' last messages are remembered.
	maxProcesses = 1000
	// freshness is how long a process's word on what it holds counts; it repeats it every HoldInterval.
	freshness = 30 * time.Second
)

// HoldInterval is how often a process has to say again that it holds deliveries.
const HoldInterval = 5 * time.Second

// process is what is known of a process.
type process struct {
	number  int64
	offset  int64 // of its last message
	seen    time.Time
	held    map[string]int64
	running map[string]int64
	peak    map[string]int64 // the most it held since the mark
}

// process finds or makes what is known of a process, and forgets the one that has been silent longest if there are too many.
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
}

func (p *process) raisePeak() {
	if p.peak == nil {
		p.peak = map[string]int64{}
	}
	for route, n := range p.held {
		p.peak[route] = max(p.peak[route], n)
	}
}
