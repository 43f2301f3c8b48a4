package receiver

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/hookline/hookline/broker"
)

// freeBody is how large a body may grow before it counts against Config.MaxMemory.
const freeBody = 64 << 10

// body reads a request's body once, as it came: it is never decompressed, since the signature covers these bytes. Above
// freeBody the buffer grows with what arrives, not with what the sender announces; what is held of rc.memory is the
// caller's to release, also when the body is refused.
func (rc *Receiver) body(w http.ResponseWriter, r *http.Request, limit int64) (body []byte, held int64, refused *answer) {
	if r.ContentLength > limit {
		return nil, 0, refuseBody(http.StatusRequestEntityTooLarge, tooLarge, largeText(limit), nil)
	}
	reader := http.MaxBytesReader(w, r.Body, limit)
	if r.ContentLength >= 0 {
		limit = r.ContentLength
	}
	size := min(limit, freeBody)
	body = make([]byte, 0, size+1) // one more, so that a last read finds the end
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
		if !rc.memory.TryAcquire(size - held) {
			return nil, held, shed(noMemory)
		}
		held = size
		body = append(make([]byte, 0, size+1), body...)
	}
}

func unreadBody(err error) *answer {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return refuseBody(http.StatusRequestEntityTooLarge, tooLarge, largeText(large.Limit), nil)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuseBody(http.StatusRequestTimeout, tooSlow, "the body came too slowly; send it again", nil)
	}
	return refuseBody(http.StatusBadRequest, halfSent, "the body broke off before its end; send it again", err)
}

func largeText(limit int64) string {
	return fmt.Sprintf("the body is larger than %d bytes; raise the source's max_body in hookline.yml if it should be taken (RabbitMQ takes %d at most, the embedded line %d)", limit, broker.MaxBody, MaxMaxBody)
}
