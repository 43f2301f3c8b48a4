package system

import (
	"bufio"
	"encoding/json"
	"os"
)

// LogLine is a line of a process's log.
type LogLine struct {
	Message string `json:"msg"`
	Route   string `json:"route"`
	ID      string `json:"id"`     // of an event
	Reason  string `json:"reason"` // why the broker did not store the event
}

// LogLines returns the log of the process, since its first start. It leaves out lines that are not JSON.
func (p *Process) LogLines() (list []LogLine, err error) {
	file, err := os.Open(p.log())
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line LogLine
		if json.Unmarshal(lines.Bytes(), &line) == nil {
			list = append(list, line)
		}
	}
	return list, lines.Err()
}
