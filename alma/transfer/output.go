package transfer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hookline/hookline/alma/marc"
)

// output is one file on its way to the target: what is written to it flows through a pipe, and the program if there is
// one, into the target's Put.
type output struct {
	buf    *bufio.Writer
	writer marc.Writer // nil for read: bytes
	pipe   *io.PipeWriter
	done   <-chan error // what Put said
}

// Write adds bytes.
func (o *output) Write(p []byte) (int, error) { return o.buf.Write(p) }

// end waits until the file is delivered; or, after err, until it is thrown away.
func (o *output) end(err error) error {
	if err == nil && o.writer != nil {
		err = o.writer.Close()
	}
	if err == nil {
		err = o.buf.Flush()
	}
	_ = o.pipe.CloseWithError(err) // never fails
	put := <-o.done
	if put != nil && (err == nil || errors.Is(err, io.ErrClosedPipe)) { // which Put has closed
		err = put
	}
	return err
}

// begin opens the next output. id is that of its first record.
func (f *file) begin(ctx context.Context, id string) error {
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
		_ = out.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // so that a writer learns of it; never fails
		done <- err
	}()
	f.buf.Reset(in)
	f.held, f.out = 0, &output{buf: f.buf, pipe: in, done: done}
	if f.read != readBytes {
		f.out.writer = f.format.make(f.out, f.scope)
	}
	return nil
}

// outName is the name of the nth output.
func (f *file) outName(n int, id string) string {
	ext := f.format.ext
	if f.ext != "" {
		ext = f.ext
	}
	return f.path.name(f.job, f.name, ext, n, id)
}

// deliver puts content, through the program if there is one.
func (f *file) deliver(ctx context.Context, name string, content io.Reader) error {
	var program *run
	if len(f.through) > 0 {
		program = start(ctx, f.through, f.env, content)
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

// finish ends the output that is open, if one is.
func (f *file) finish(err error) error {
	if f.out == nil {
		return err
	}
	out := f.out
	f.out = nil
	return out.end(err)
}

// counted counts the bytes of a stream as they are read.
type counted struct {
	io.Reader
	bytes prometheus.Counter
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.bytes.Add(float64(n))
	return n, err
}
