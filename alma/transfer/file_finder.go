package transfer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hookline/hookline/pkg/store"
)

// Find says which files belong to a job.
type Find struct {
	// Files is export, publishing, or a regular expression over a file's whole name, with {job} or {link} in it: {job} is the job's ID, {link}
	// the counter's value. export finds {link}, {link}_1, {link}_2, ... with any extension. publishing finds names with _{job}_ that end in
	// new, update or delete, a number, and .tar.gz or .xml.
	Files string `yaml:"files"`
	// Counters are types or descriptions of the counter that holds {link}. Default: that of Alma's exports.
	Counters []string `yaml:"counters"`
	// Dir is the folder under from that is searched, without the folders below it. Default: from itself.
	Dir string `yaml:"dir"`
}

// DefaultCounters name the counter of an Alma export that holds the base name of its files: by type, and by description
// for events without one.
func DefaultCounters() []string { return []string{"c.jobs.bibExport.link", "Link to Exported records"} }

// The named forms of Find.Files.
const (
	exportFiles     = `{link}(_\d+)?(\.[A-Za-z0-9]+)*`
	publishingFiles = `.*_{job}[_\[].*(new|update|delete)(_\d+)?(\.xml)?(\.tar)?(\.gz|\.xml)?`
)

type fileFinder struct {
	form     string
	counters []string
	dir      string
}

func newFileFinder(cfg Find) (fileFinder, error) {
	f := fileFinder{form: cfg.Files, counters: cfg.Counters, dir: strings.Trim(cfg.Dir, "/")}
	switch cfg.Files {
	case "", "export":
		f.form = exportFiles
	case "publishing":
		f.form = publishingFiles
	}
	if len(f.counters) == 0 {
		f.counters = DefaultCounters()
	}
	if !strings.Contains(f.form, "{job}") && !strings.Contains(f.form, "{link}") {
		return f, errors.New("find.files: must contain {job} or {link}, or it would match files of other jobs too")
	}
	if f.dir != "" && !fs.ValidPath(f.dir) {
		return f, fmt.Errorf("find.dir: %q is outside of the folder", cfg.Dir)
	}
	if _, err := f.pattern(Job{"1", "1"}); err != nil {
		return f, fmt.Errorf("find.files: %w", err)
	}
	return f, nil
}

func (f fileFinder) pattern(job Job) (*regexp.Regexp, error) {
	values := strings.NewReplacer("{job}", regexp.QuoteMeta(job.ID), "{link}", regexp.QuoteMeta(job.Link))
	return regexp.Compile("^(?:" + values.Replace(f.form) + ")$")
}

// find returns the names of a job's files, sorted with _2 before _10. A job without files is an error, but a later attempt may find them.
func (f fileFinder) find(ctx context.Context, from store.Source, job Job) ([]string, error) {
	pattern, err := f.pattern(job)
	if err != nil {
		return nil, err
	}
	names, err := from.List(ctx, f.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list: %w", err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the folder to find files in does not exist (yet): %w; if it remains missing, check from and find.dir", err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !pattern.MatchString(path.Base(name)) })
	if len(names) == 0 {
		return nil, fmt.Errorf("job %s has no file yet (with a name like %s); if none appears, check from, find.dir and find.files", job.ID, strings.TrimSuffix(strings.TrimPrefix(pattern.String(), "^(?:"), ")$"))
	}
	slices.SortFunc(names, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return names, nil
}
