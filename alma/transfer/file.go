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

// maxReports is how many bad records of one file are logged one by one.
const maxReports = 20

// file is the transfer of one fetched file.
type file struct {
	plan
	metrics   *Metrics
	target    store.Target
	job, name string
	log       *zap.Logger

	scope *scope
	buf   *bufio.Writer
	out   *output // nil: none is begun
	made  int     // outputs begun so far
	held  int     // records in out
	count struct{ read, delivered, filtered, bad int }
	first error // of the bad records
	said  time.Time
}

// transfer fetches the file and delivers what is made of it.
func (f *file) transfer(ctx context.Context, source store.Source) (err error) {
	if f.skip && f.per == perFile {
		there, err := f.target.Has(ctx, f.outName(1, ""))
		if there {
			f.metrics.files.WithLabelValues("skipped").Inc()
			f.log.Info("is there already")
		}
		if there || err != nil {
			return wrap("to", err)
		}
	}
	begun := time.Now()
	f.scope, f.buf, f.said = newScope(f.job, f.name), bufio.NewWriterSize(nil, 64<<10), begun
	in, err := source.Open(ctx, f.name)
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	unpacked, err := unpack(counted{in, f.metrics.bytes.WithLabelValues("in")}, f.maxBytes)
	if err == nil {
		err = f.members(ctx, unpacked)
	}
	if err == nil && f.count.bad > 0 && f.count.bad == f.count.read {
		err = handler.Permanent(fmt.Errorf("all %d records are bad; the first: %w; check read, where and change, and the file", f.count.bad, f.first))
	}
	if err == nil && f.out == nil && f.per == perFile { // a file without records is one too
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

// members goes through what an archive holds, or through the one file that is none.
func (f *file) members(ctx context.Context, unpacked *unpacker) error {
	for {
		member, in, err := unpacked.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return damaged(err)
		case f.read == readBytes && unpacked.given > 1:
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

func (f *file) copy(ctx context.Context, in io.Reader) error {
	if f.out == nil {
		if err := f.begin(ctx, ""); err != nil {
			return err
		}
	}
	_, err := io.Copy(f.out, in)
	return err
}

// records reads one member to its end.
func (f *file) records(ctx context.Context, member string, in marc.Reader) error {
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

// placed gives a record that was read, and cannot be changed or written, its place.
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

// report says which record is bad, and is an error if that is too much.
func (f *file) report(member string, err error) error {
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

// record changes one record and puts it into an output.
func (f *file) record(ctx context.Context, r marc.Record) error {
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

// write puts the record of the scope into the output that is its, and delivers that if it is full.
func (f *file) write(ctx context.Context) error {
	if f.out == nil {
		if err := f.begin(ctx, f.scope.record.ID()); err != nil {
			return err
		}
	}
	err := f.out.writer.Write(f.scope.record)
	switch {
	case err != nil && f.per == perBatch && f.held == 0: // or it would be delivered empty if no other record comes
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

func (f *file) progress() {
	if f.count.read%1000 == 0 && time.Since(f.said) > progressEvery {
		f.said = time.Now()
		f.log.Info("transferring", zap.Int("records", f.count.read), zap.Int("bad", f.count.bad))
	}
}
