package transfer

import (
	"bufio"
	"errors"
	"io"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hookline/hookline/alma/marc"
)

// outputFile is one file on its way to the target. Its bytes flow through a pipe, and the program if there is
// one, into the target's Put.
type outputFile struct {
	buf    *bufio.Writer
	writer marc.Writer // nil for read: bytes
	pipe   *io.PipeWriter
	done   <-chan error // the result of Put
}

// Write writes bytes to the file.
func (o *outputFile) Write(p []byte) (int, error) { return o.buf.Write(p) }

// end waits until the file is delivered, or, after err, until it is discarded.
func (o *outputFile) end(err error) error {
	if err == nil && o.writer != nil {
		err = o.writer.Close()
	}
	if err == nil {
		err = o.buf.Flush()
	}
	_ = o.pipe.CloseWithError(err) // never fails
	put := <-o.done
	if put != nil && (err == nil || errors.Is(err, io.ErrClosedPipe)) { // Put has closed the pipe
		err = put
	}
	return err
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
