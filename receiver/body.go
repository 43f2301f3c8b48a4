package receiver

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/hookline/hookline/broker"
)

// freeBody is the size in bytes from which a body counts against Config.MaxMemory.
const freeBody = 64 << 10

// startTime is the time for which a body may come slower than Config.MinBodyRate.
const startTime = 3 * time.Second

// bodyReader reads one body within its limits.
type bodyReader struct {
	memory     *shares
	holder     holder
	limit      int64     // bytes of the largest body
	rate       int       // bytes a second, the least after startTime
	start, end time.Time // the time for the body
	held       int64     // bytes of memory
}

// read reads a request's body once. A compressed body stays compressed, because the signature covers these bytes. Above
// freeBody the buffer grows with the bytes that arrive, so that a false Content-Length reserves nothing. The caller
// calls release, also after a refusal.
func (b *bodyReader) read(w http.ResponseWriter, r *http.Request) (body []byte, refused *answer) {
	limit := b.limit
	if r.ContentLength > limit {
		return nil, refuseBody(http.StatusRequestEntityTooLarge, reasonTooLarge, largeText(limit), nil)
	}
	control := http.NewResponseController(w) // every connection of net/http can set deadlines
	reader := http.MaxBytesReader(w, r.Body, limit)
	if r.ContentLength >= 0 {
		limit = r.ContentLength
	}
	size := min(limit, freeBody)
	body = make([]byte, 0, size+1) // one byte more, so that the last read finds the end
	for {
		if int64(len(body)) < limit {
			_ = control.SetReadDeadline(b.deadline(len(body)))
		}
		n, err := reader.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, unreadBody(err)
		case len(body) < cap(body):
			continue
		}
		size = min(4*size, limit)
		if met := b.memory.take(size-b.held, b.holder, b.limit); met != noBound {
			return nil, shed(reasonNoMemory, met, met.usedUp("limits.max_memory", b.holder))
		}
		b.held = size
		body = append(make([]byte, 0, size+1), body...)
	}
}

// deadline returns the time by which more than n bytes must have come.
func (b *bodyReader) deadline(n int) time.Time {
	by := b.start.Add(startTime + time.Duration(n)*time.Second/time.Duration(b.rate))
	if by.After(b.end) {
		return b.end
	}
	return by
}

// release gives the memory of the body back.
func (b *bodyReader) release() { b.memory.release(b.held, b.holder) }

func unreadBody(err error) *answer {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return refuseBody(http.StatusRequestEntityTooLarge, reasonTooLarge, largeText(large.Limit), nil)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuseBody(http.StatusRequestTimeout, reasonTooSlow, "the body came too slowly; send it again", nil)
	}
	return refuseBody(http.StatusBadRequest, reasonHalfSent, "the body broke off before its end; send it again", err)
}

func largeText(limit int64) string {
	return fmt.Sprintf("the body is larger than %d bytes; raise the source's max_body in hookline.yml if it should be taken (RabbitMQ takes %d at most, the embedded broker %d)", limit, broker.MaxBody, MaxMaxBody)
}
