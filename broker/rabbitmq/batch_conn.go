package rabbitmq

import (
	"net"
	"sync"
	"time"
)

const (
	// flushTime is how long Close waits until the last bytes are written: the end of AMQP's closing handshake.
	flushTime = time.Second
	// chunkSize is the size of a chunk in bytes: a few dozen events. A larger frame has a chunk of its own.
	chunkSize = 64 << 10
)

// batchConn is a connection whose Write only appends to a buffer, and one goroutine writes the buffer. While it is in
// write(2), more frames join the next batch, so that many publishes share a system call. And Write never blocks: amqp091-go
// writes under the channel's mutex, where a broker that does not read would block every publish.
//
// The buffer needs no limit: the publisher limits the messages in flight, and the prefetch limits the acknowledgements.
type batchConn struct {
	net.Conn
	wake    chan struct{} // capacity 1: there are chunks to write, or closing is set
	flushed chan struct{} // closed when the flusher has ended

	mu      sync.Mutex
	chunks  [][]byte
	err     error // of the write that failed; no more writes follow
	closing bool
}

func newBatchConn(conn net.Conn) *batchConn {
	c := &batchConn{Conn: conn, wake: make(chan struct{}, 1), flushed: make(chan struct{})}
	go c.flush()
	return c
}

// Write adds p to the next batch. It returns the error of an earlier batch, if there was one.
func (c *batchConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	if c.closing {
		return 0, net.ErrClosed
	}
	last := len(c.chunks) - 1
	if last < 0 || len(c.chunks[last])+len(p) > cap(c.chunks[last]) {
		c.chunks = append(c.chunks, make([]byte, 0, max(chunkSize, len(p))))
		last++
	}
	c.chunks[last] = append(c.chunks[last], p...)
	c.signal()
	return len(p), nil
}

// Close writes the last batch within a second and closes the connection. It returns the error of a failed write.
func (c *batchConn) Close() error {
	c.mu.Lock()
	first := !c.closing
	c.closing = true
	c.signal()
	c.mu.Unlock()
	if first {
		_ = c.SetWriteDeadline(time.Now().Add(flushTime)) // an error here fails the last write, too
	}
	<-c.flushed
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil { // and the flusher has closed the connection
		return c.err
	}
	return c.Conn.Close()
}

func (c *batchConn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// flush writes batches until the connection is closed or a write fails. Then it closes the connection, so that the reader
// gets an error.
func (c *batchConn) flush() {
	defer close(c.flushed)
	var spare [][]byte // the next batch: empty, or one empty chunk to use again
	for range c.wake {
		c.mu.Lock()
		batch := c.chunks
		c.chunks = spare
		closing := c.closing
		c.mu.Unlock()
		spare = batch
		if n := len(batch); n > 0 && len(batch[n-1]) > 0 {
			first := batch[0]
			if err := c.writeAll(batch); err != nil {
				c.fail(err)
				return
			}
			clear(batch)
			spare = batch[:0]
			if cap(first) == chunkSize {
				spare = append(spare, first[:0])
			}
		}
		if closing {
			return
		}
	}
}

// writeAll writes chunks by one system call. A single chunk, the usual case, needs no allocation.
func (c *batchConn) writeAll(chunks [][]byte) error {
	if len(chunks) == 1 {
		_, err := c.Conn.Write(chunks[0])
		return err
	}
	batch := net.Buffers(chunks)
	_, err := batch.WriteTo(c.Conn)
	return err
}

func (c *batchConn) fail(err error) {
	c.mu.Lock()
	c.err, c.chunks = err, nil
	c.mu.Unlock()
	_ = c.Conn.Close()
}
