package receiver

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"golang.org/x/sync/semaphore"

	"github.com/hookline/hookline/broker"
)

// freeBody is the size in bytes from which a body counts against Config.MaxMemory.
const freeBody = 64 << 10

// readBody reads a request's body once. A compressed body stays compressed, because the signature covers these bytes. Above
// freeBody the buffer grows with the bytes that arrive, so that a false Content-Length reserves nothing. The caller
// releases held bytes of memory, also after a refusal.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, memory *semaphore.Weighted) (body []byte, held int64, refused *answer) {
	if r.ContentLength > limit {
		return nil, 0, refuseBody(http.StatusRequestEntityTooLarge, reasonTooLarge, largeText(limit), nil)
	}
	reader := http.MaxBytesReader(w, r.Body, limit)
	if r.ContentLength >= 0 {
		limit = r.ContentLength
	}
	size := min(limit, freeBody)
	body = make([]byte, 0, size+1) // one byte more, so that the last read finds the end
	for {
		n, err := reader.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case errors.Is(err, io.EOF):
			return body, held, nil
		case err != nil:
			return nil, held, unreadBody(err)
		case len(body) < cap(body):
			continue
		}
		size = min(4*size, limit)
		if !memory.TryAcquire(size - held) {
			return nil, held, shed(reasonNoMemory)
		}
		held = size
		body = append(make([]byte, 0, size+1), body...)
	}
}

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
