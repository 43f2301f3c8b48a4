package transfer

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"github.com/hookline/hookline/pkg/store"
)

// Config says what is fetched, what is done to it and where it goes.
type Config struct {
	// From is the place that files are fetched from. Required.
	From Location `yaml:"from"`
	// Find says which files belong to a job.
	Find Find `yaml:"find"`
	// Read is what a file holds: auto (default: by its first bytes), marcxml, marc21, lines; or bytes, which are
	// delivered as they are, unpacked, without a look at them.
	Read string `yaml:"read"`
	// Where chooses records: an expression that is true for those that are delivered; default all.
	Where string `yaml:"where"`
	// Change is what is done to each record, step by step.
	Change []Change `yaml:"change"`
	// Write says what is made of the records.
	Write Write `yaml:"write"`
	// Through sends each file through a program before it is delivered.
	Through Through `yaml:"through"`
	// To is the place that files are delivered to. Required.
	To Location `yaml:"to"`
	// BadRecords is what becomes of a file with a record that cannot be read or changed: skip (default) reports it with
	// its position and goes on, fail gives the event up. A file in which all are bad always does.
	BadRecords string `yaml:"bad_records"`
	// MaxBytes is the most that one file may unpack to, in bytes; default DefaultMaxBytes.
	MaxBytes int64 `yaml:"max_bytes"`
}

// DefaultMaxBytes is 16 GiB.
const DefaultMaxBytes = 16 << 30

// Write says what is made of the records of one fetched file.
type Write struct {
	// Per is file (default: one whole), batch, or record: what one delivered file holds.
	Per string `yaml:"per"`
	// Batch is how many records there are in one, with per: batch; default 1000.
	Batch int `yaml:"batch"`
	// Format is marcxml (default), marc21, json (MARC-in-JSON; an array), ndjson (one a line), csv or lines. With read:
	// bytes it must be empty.
	Format string `yaml:"format"`
	// Columns of csv.
	Columns []Column `yaml:"columns"`
	// Path is the name under to, with "/" between folders, of {job}, {file} (the fetched file's name without folder
	// and extensions), {n} (counts what is made of one file, from 1), {id} (field 001, for per: record) and {ext}.
	// Default "{file}{ext}", "{file}-{n}{ext}" for batches and records.
	Path string `yaml:"path"`
	// Existing is replace (default) or skip: what is there under that name already is left as it is, so that a transfer
	// that was interrupted goes on where it was. skip needs {job} in the path.
	Existing string `yaml:"existing"`
}

// Column is one of a CSV file: the expression Value for each record; a list is joined by " | ".
type Column struct {
	Name  string `yaml:"name"`
	Value string `yaml:"value"`
}

// Through is a program that reads a whole file on its standard input and writes what is delivered on its standard output:
// one of the two keys.
type Through struct {
	// XSLT is a stylesheet, which the installed xsltproc applies, to records only; relative to the process' working directory.
	XSLT string `yaml:"xslt"`
	// Command is a program and its arguments; no shell reads them.
	Command []string `yaml:"command"`
	// Ext is the extension of what comes out; default that of what goes in.
	Ext string `yaml:"ext"`
}

// What Write.Per can be.
const (
	perFile   = "file"
	perBatch  = "batch"
	perRecord = "record"
)

// plan is a checked Config.
type plan struct {
	from, to store.Location
	find     fileFinder
	read     string
	where    *vm.Program // nil: all
	steps    []step
	columns  []column
	format   outputFormat
	per      string
	batch    int
	path     outputPath
	skip     bool     // what is there already
	through  []string // a program and its arguments; none: nothing
	env      []string // of that program
	ext      string
	strict   bool // a bad record fails the file
	maxBytes int64
}

// progressEvery is how often a long transfer says how far it is.
const progressEvery = 15 * time.Second

func (c Config) build(env []string) (plan, error) {
	p := plan{env: env, read: cmp.Or(c.Read, "auto"), per: cmp.Or(c.Write.Per, perFile), batch: cmp.Or(c.Write.Batch, 1000), maxBytes: cmp.Or(c.MaxBytes, DefaultMaxBytes),
		skip: c.Write.Existing == "skip", strict: c.BadRecords == "fail", ext: c.Through.Ext}
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	var err error
	p.from, err = c.From.build(env)
	note(wrap("from", err))
	p.to, err = c.To.build(env)
	note(wrap("to", err))
	p.find, err = newFileFinder(c.Find)
	note(err)
	p.steps, err = newSteps(c.Change)
	note(err)
	p.columns, err = newColumns(c.Write.Columns)
	note(err)
	if c.Where != "" {
		p.where, err = compile(c.Where, expr.AsBool())
		note(wrap("where", err))
	}
	note(oneOf("read", p.read, "auto", "marcxml", "marc21", "lines", readBytes))
	note(oneOf("write.per", p.per, perFile, perBatch, perRecord))
	note(oneOf("write.existing", cmp.Or(c.Write.Existing, "replace"), "replace", "skip"))
	note(oneOf("bad_records", cmp.Or(c.BadRecords, "skip"), "skip", "fail"))
	p.format, err = newOutputFormat(c.Write.Format, p.read, p.columns)
	note(err)
	p.path, err = parsePath(cmp.Or(c.Write.Path, defaultPath(p.per)), p.per)
	note(err)
	if p.skip && !p.path.has("{job}") {
		note(errors.New("write.existing: skip needs {job} in write.path, or the file of another job would be taken for this one's"))
	}
	if p.batch < 0 || p.maxBytes < 0 {
		note(errors.New("write.batch, max_bytes: must not be negative"))
	}
	if c.Write.Batch != 0 && p.per != perBatch {
		note(errors.New("write.batch: is for per: batch only"))
	}
	if len(p.columns) > 0 && c.Write.Format != "csv" {
		note(errors.New("write.columns: are for format: csv only"))
	}
	if c.Through.Ext != "" && !extension.MatchString(c.Through.Ext) {
		note(fmt.Errorf("through.ext: %q is none such as .json", c.Through.Ext))
	}
	p.through, err = c.Through.build()
	note(err)
	if p.read == readBytes && (p.per != perFile || p.where != nil || len(p.steps) > 0) {
		note(errors.New("read: bytes knows no records; leave out where, change and write.per"))
	}
	if p.read == readBytes && c.Through.XSLT != "" {
		note(errors.New("through.xslt: needs records: xsltproc would put files of this machine into what read: bytes gives it, where that names them as entities; use through.command for files that you trust"))
	}
	return p, errors.Join(errs...)
}

// readBytes is the Config.Read that looks at nothing.
const readBytes = "bytes"

var extension = regexp.MustCompile(`^\.[A-Za-z0-9.]{1,20}$`)

func defaultPath(per string) string {
	if per == perFile {
		return "{file}{ext}"
	}
	return "{file}-{n}{ext}"
}

func (t Through) build() ([]string, error) {
	switch {
	case t.XSLT != "" && len(t.Command) > 0:
		return nil, errors.New("through: give xslt or command, not both")
	case t.XSLT != "":
		return []string{"xsltproc", "--nonet", t.XSLT, "-"}, nil
	case len(t.Command) > 0 && t.Command[0] == "":
		return nil, errors.New("through.command: the program is empty")
	}
	return t.Command, nil
}

func oneOf(key, value string, known ...string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return fmt.Errorf("%s: %q is none of %v", key, value, known)
}

func wrap(key string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}
