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

// Config fetches the files of a finished job, changes their records, and delivers them.
type Config struct {
	// From is the location of the files.
	From Location `yaml:"from" schema:"required"`
	// Find says which files belong to a job.
	Find Find `yaml:"find"`
	// Read is the content of a file: auto decides by its first bytes; bytes delivers files unpacked, but otherwise as they are.
	Read string `yaml:"read" schema:"enum=auto|marcxml|marc21|lines|bytes"`
	// Where is an expression that chooses records: field("245$a") startsWith "A". Default: all records.
	Where string `yaml:"where"`
	// Change are the changes to each record, step by step.
	Change []Change `yaml:"change"`
	// Write says how the records are written.
	Write Write `yaml:"write"`
	// Through is a program that each file goes through before it is delivered: xslt or command.
	Through Through `yaml:"through"`
	// To is the location that files are delivered to.
	To Location `yaml:"to" schema:"required"`
	// BadRecords is skip, which reports a bad record with its position and goes on, or fail, which gives the event up. A file with bad records
	// only always gives the event up.
	BadRecords string `yaml:"bad_records" schema:"enum=skip|fail"`
	// MaxBytes is the largest size in bytes to which one file may unpack.
	MaxBytes int64 `yaml:"max_bytes" schema:"minimum=1"`
}

// Defaults returns a Config that lacks only its locations.
func Defaults() Config {
	return Config{
		Find: Find{Files: "export"}, Read: "auto", Write: Write{Per: perFile, Existing: "replace"}, BadRecords: "skip", MaxBytes: 16 << 30,
	}
}

// Write says how the records of one fetched file are written.
type Write struct {
	// Per is the content of one delivered file: file is a whole fetched file.
	Per string `yaml:"per" schema:"enum=file|batch|record"`
	// Batch is the number of records in a batch, with per: batch.
	Batch int `yaml:"batch" schema:"minimum=1; default=1000"`
	// Format is the form of the records: json is an array of MARC-in-JSON, ndjson has one record a line. With read: bytes it must be empty.
	Format string `yaml:"format" schema:"enum=marcxml|marc21|json|ndjson|csv|lines; default=marcxml"`
	// Columns are the columns of csv.
	Columns []Column `yaml:"columns"`
	// Path is the name under to, with "/" between folders. Placeholders: {job}, {file} (the fetched file's name without folder and
	// extensions), {n} (the number of the delivered file, from 1), {id} (field 001, for per: record) and {ext}. Default: {file}{ext}, or
	// {file}-{n}{ext} for batches and records.
	Path string `yaml:"path"`
	// Existing is replace, or skip: an existing file of that name stays, so that an interrupted transfer goes on where it was. skip needs {job}
	// in the path.
	Existing string `yaml:"existing" schema:"enum=replace|skip"`
}

// Column is a column of a CSV file.
type Column struct {
	// Name is the column's title.
	Name string `yaml:"name" schema:"required"`
	// Value is an expression: fields("650$a"). A list is joined by " | ".
	Value string `yaml:"value" schema:"required"`
}

// Through is a program that reads a whole file on its standard input and writes the delivered file on its standard output: xslt or command.
type Through struct {
	// XSLT is a stylesheet, which the installed xsltproc applies to records; relative to the process' working folder.
	XSLT string `yaml:"xslt"`
	// Command is a program and its arguments; no shell reads them.
	Command []string `yaml:"command"`
	// Ext is the extension of the output. Default: that of the input.
	Ext string `yaml:"ext"`
}

// The values of Write.Per.
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
	skip     bool     // an existing file stays
	through  []string // a program and its arguments; none: nothing
	env      []string // of that program
	ext      string
	strict   bool // a bad record fails the file
	maxBytes int64
}

// progressEvery is how often a long transfer says how far it is.
const progressEvery = 15 * time.Second

func (c Config) build(env []string) (plan, error) {
	usual := Defaults()
	p := plan{env: env, read: cmp.Or(c.Read, usual.Read), per: cmp.Or(c.Write.Per, usual.Write.Per), batch: cmp.Or(c.Write.Batch, 1000), maxBytes: cmp.Or(c.MaxBytes, usual.MaxBytes),
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
	note(oneOf("write.existing", cmp.Or(c.Write.Existing, usual.Write.Existing), "replace", "skip"))
	note(oneOf("bad_records", cmp.Or(c.BadRecords, usual.BadRecords), "skip", "fail"))
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
