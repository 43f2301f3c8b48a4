package embedded

import (
	"fmt"
	"os"

	"github.com/hookline/hookline/broker"
)

// openFiles are the database and its write-ahead log, as they were when this process opened them.
type openFiles []openFile

type openFile struct {
	path string
	info os.FileInfo
}

func newOpenFiles(path string) (files openFiles, err error) {
	for _, name := range []string{path, logPath(path)} {
		info, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("look at the open files: %w", err)
		}
		files = append(files, openFile{name, info})
	}
	return files, nil
}

// check returns broker.ErrRefused if a path leads to another file now, or to none. Commits then go to a file without a name, which is lost
// with the process.
func (files openFiles) check() error {
	for _, f := range files {
		now, err := os.Stat(f.path)
		if err != nil {
			return fmt.Errorf("%w: %s was removed or replaced under the running process (%w); %s", broker.ErrRefused, f.path, err, removedAdvice)
		}
		if !os.SameFile(now, f.info) {
			return fmt.Errorf("%w: %s was removed or replaced under the running process; %s", broker.ErrRefused, f.path, removedAdvice)
		}
	}
	return nil
}

const removedAdvice = "stored events are still handled: put the file back, or restart this process when /metrics shows no waiting event"
