package rabbitmq

import (
	"net"
	"sync"
	"time"
)

const (
	// flushTime is how long Close waits for the last bytes, the answer to the broker's goodbye, to leave.
	flushTime = time.Second
	// chunkSize is how much of a batch is in one piece: a few dozen events. Larger frames have pieces of their own.
	chunkSize = 64 << 10
)

// batchConn is a connection whose Write only appends to a buffer; one goroutine writes what has piled up. While it is
// in write(2), more frames join the next batch, so that many publishes share a system call. And Write never blocks:
// amqp091-go writes under the channel's mutex, where a broker that does not read would stop every publisher.
//
// The buffer has no bound of its own: the publisher bounds what is in flight, the prefetch bounds acknowledgements.
type batchConn struct {
	net.Conn
	wake    chan struct{} // capacity 1: something to write, or closing
	flushed chan struct{} // closed when the flusher has ended

	mu      sync.Mutex
	chunks  [][]byte
	err     error // why writing has ended
	closing bool
}

func newBatchConn(conn net.Conn) *batchConn {
	c := &batchConn{Conn: conn, wake: make(chan struct{}, 1), flushed: make(chan struct{})}
	go c.flush()
	return c
}

// Write takes p over for the next batch. It returns the error of an earlier batch, if there was one.
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

// Close writes what is left, within a second, and closes the connection. It returns the error of a failed write.
func (c *batchConn) Close() error {
	c.mu.Lock()
	first := !c.closing
	c.closing = true
	c.signal()
	c.mu.Unlock()
	if first {
		_ = c.SetWriteDeadline(time.Now().Add(flushTime)) // what fails here fails in the flusher, too
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

// flush writes batches until the connection is closed or a write fails; then it closes the connection, so that
// whoever reads from it learns of it.
func (c *batchConn) flush() {
	defer close(c.flushed)
	var spare [][]byte // what the next batch begins with: at most a chunk to use again
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

// writeAll writes chunks by one system call. Nearly always there is one, which needs no list of its own in memory.
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
