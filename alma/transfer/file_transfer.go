package transfer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/alma/marc"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/store"
)

// maxReports is how many bad records of a file are logged one by one.
const maxReports = 20

// fileTransfer is the transfer of one fetched file.
type fileTransfer struct {
	plan
	metrics   *Metrics
	target    store.Target
	job, name string
	log       *zap.Logger

	scope  *scope
	buf    *bufio.Writer
	out    *outputFile // nil: no output is open
	made   int         // number of outputs so far
	held   int         // number of records in out
	count  struct{ read, delivered, filtered, bad int }
	first  error     // of the bad records
	logged time.Time // the latest progress
}

// transfer fetches the file and delivers its outputs.
func (f *fileTransfer) transfer(ctx context.Context, source store.Source) (err error) {
	if f.skip && f.per == perFile {
		there, err := f.target.Has(ctx, f.outName(1, ""))
		if there {
			f.metrics.files.WithLabelValues("skipped").Inc()
			f.log.Info("skipped: delivered already")
		}
		if there || err != nil {
			return wrap("to", err)
		}
	}
	begun := time.Now()
	f.scope, f.buf, f.logged = newScope(f.job, f.name), bufio.NewWriterSize(nil, 64<<10), begun
	in, err := source.Open(ctx, f.name)
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	unpacked, err := newArchiveReader(counted{in, f.metrics.bytes.WithLabelValues("in")}, f.maxBytes)
	if err == nil {
		err = f.members(ctx, unpacked)
	}
	if err == nil && f.count.bad > 0 && f.count.bad == f.count.read {
		err = handler.Permanent(fmt.Errorf("all %d records are bad; the first: %w; check read, where and change, and the file", f.count.bad, f.first))
	}
	if err == nil && f.out == nil && f.per == perFile { // a file without records is delivered too
		err = f.begin(ctx, "")
	}
	if err = f.finish(err); err != nil {
		return err
	}
	f.metrics.files.WithLabelValues("in").Inc()
	f.log.Info("transferred", zap.Int("records", f.count.delivered), zap.Int("filtered", f.count.filtered), zap.Int("bad", f.count.bad),
		zap.Int("files", f.made), zap.Duration("took", time.Since(begun).Round(time.Millisecond)))
	return nil
}

// members passes through the files of an archive, or the only file.
func (f *fileTransfer) members(ctx context.Context, unpacked *archiveReader) error {
	for {
		member, in, err := unpacked.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return damaged(err)
		case f.read == readBytes && unpacked.count > 1:
			return handler.Permanent(fmt.Errorf("%s: read: bytes delivers one file, and the archive holds several; read records", member))
		case f.read == readBytes:
			err = f.copy(ctx, in)
		default:
			err = f.records(ctx, member, f.reader(in))
		}
		if err != nil {
			return err
		}
	}
}

func (p plan) reader(in io.Reader) marc.Reader {
	switch p.read {
	case "marcxml":
		return marc.NewXMLReader(in)
	case "marc21":
		return marc.NewBinaryReader(in)
	case "lines":
		return marc.NewLineReader(in)
	}
	return marc.NewReader(in)
}

func (f *fileTransfer) copy(ctx context.Context, in io.Reader) error {
	if f.out == nil {
		if err := f.begin(ctx, ""); err != nil {
			return err
		}
	}
	_, err := io.Copy(f.out, in)
	return err
}

// records reads the records of one member.
func (f *fileTransfer) records(ctx context.Context, member string, in marc.Reader) error {
	for {
		record, err := in.Read()
		if err == io.EOF { //nolint:errorlint // a wrapped one is not the end
			return nil
		}
		if err != nil && !isBad(err) {
			return damaged(err)
		}
		f.count.read++
		f.progress()
		if err == nil {
			err = placed(f.record(ctx, record), in)
		}
		if isBad(err) {
			err = f.report(member, err)
		}
		if err != nil {
			return err
		}
	}
}

// placed adds the position to the error of a record that cannot be changed or written.
func placed(err error, in marc.Reader) error {
	var bad *marc.BadRecord
	if !errors.As(err, &bad) {
		return err
	}
	number, offset := in.At()
	return &marc.BadRecord{Number: number, Offset: offset, Err: bad.Err}
}

func isBad(err error) bool {
	var bad *marc.BadRecord
	return errors.As(err, &bad)
}

// report logs a bad record. It returns an error if bad records fail the file.
func (f *fileTransfer) report(member string, err error) error {
	if member != "" {
		err = fmt.Errorf("%s: %w", member, err)
	}
	if f.count.bad++; f.count.bad == 1 {
		f.first = err
	}
	f.metrics.records.WithLabelValues(bad).Inc()
	if f.strict {
		return handler.Permanent(fmt.Errorf("bad_records: fail: %w", err))
	}
	if f.count.bad <= maxReports {
		f.log.Warn("bad record", zap.String("error", handler.LogText(err)), zap.Bool("more_are_counted_only", f.count.bad == maxReports))
	}
	return nil
}

// record changes one record and writes it to an output.
func (f *fileTransfer) record(ctx context.Context, r marc.Record) error {
	f.scope.set(r, f.count.read)
	if f.where != nil {
		chosen, err := f.scope.run(f.where)
		if err != nil {
			return &marc.BadRecord{Err: err}
		}
		if chosen != true {
			f.count.filtered++
			f.metrics.records.WithLabelValues(filtered).Inc()
			return nil
		}
	}
	for _, change := range f.steps {
		if err := change(f.scope); err != nil {
			return &marc.BadRecord{Err: err}
		}
	}
	return f.write(ctx)
}

// write writes the scope's record to its output, and delivers a full output.
func (f *fileTransfer) write(ctx context.Context) error {
	if f.out == nil {
		if err := f.begin(ctx, f.scope.record.ID()); err != nil {
			return err
		}
	}
	err := f.out.writer.Write(f.scope.record)
	switch {
	case err != nil && f.per == perBatch && f.held == 0: // an empty batch must not be delivered
		f.made--
		return f.finish(err)
	case err != nil && f.per != perRecord:
		return err
	case err != nil || f.per == perRecord, f.held+1 == f.batch && f.per == perBatch:
		err = f.finish(err)
	}
	var program *programError
	if f.per == perRecord && errors.As(err, &program) {
		err = &marc.BadRecord{Err: err}
	}
	if err == nil {
		f.held++
		f.count.delivered++
		f.metrics.records.WithLabelValues(delivered).Inc()
	}
	return err
}

// begin opens the next output. id is that of its first record.
func (f *fileTransfer) begin(ctx context.Context, id string) error {
	f.made++
	name := f.outName(f.made, id)
	deliver := func(content io.Reader) error { return f.deliver(ctx, name, content) }
	if f.skip {
		there, err := f.target.Has(ctx, name)
		if err != nil {
			return fmt.Errorf("deliver %s: %w", name, err)
		}
		if there {
			f.metrics.files.WithLabelValues("skipped").Inc()
			deliver = func(content io.Reader) error { _, err := io.Copy(io.Discard, content); return err }
		}
	}
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := deliver(out)
		_ = out.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // so that a writer gets the error; never fails
		done <- err
	}()
	f.buf.Reset(in)
	f.held, f.out = 0, &outputFile{buf: f.buf, pipe: in, done: done}
	if f.read != readBytes {
		f.out.writer = f.format.make(f.out, f.scope)
	}
	return nil
}

// outName returns the name of the nth output.
func (f *fileTransfer) outName(n int, id string) string {
	ext := f.format.ext
	if f.ext != "" {
		ext = f.ext
	}
	return f.path.name(f.job, f.name, ext, n, id)
}

// deliver puts content into the target, through the program if there is one.
func (f *fileTransfer) deliver(ctx context.Context, name string, content io.Reader) error {
	var program *program
	if len(f.through) > 0 {
		program = startProgram(ctx, f.through, f.env, content)
		content = program.out
	}
	err := f.target.Put(ctx, name, counted{content, f.metrics.bytes.WithLabelValues("out")})
	if program != nil {
		err = program.end(err)
	}
	if err != nil {
		return fmt.Errorf("deliver %s: %w", name, err)
	}
	f.metrics.files.WithLabelValues("out").Inc()
	return nil
}

// finish ends the open output, if there is one.
func (f *fileTransfer) finish(err error) error {
	if f.out == nil {
		return err
	}
	out := f.out
	f.out = nil
	return out.end(err)
}

func (f *fileTransfer) progress() {
	if f.count.read%1000 == 0 && time.Since(f.logged) > progressEvery {
		f.logged = time.Now()
		f.log.Info("transferring", zap.Int("records", f.count.read), zap.Int("bad", f.count.bad))
	}
}
