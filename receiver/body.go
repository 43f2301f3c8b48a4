package receiver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// freeBody is how large a body may grow before it counts against Config.MaxMemory.
const freeBody = 64 << 10

// body reads a request's body once, as it came: it is never decompressed, since the signature covers these bytes.
// Reading ends by until. The buffer grows with what arrives, not with what the sender announces; what is held of
// rc.memory is the caller's to release, also when the body is refused.
func (rc *Receiver) body(w http.ResponseWriter, r *http.Request, limit int64, until time.Time) (body []byte, held int64, refused *answer) {
	if r.ContentLength > limit {
		return nil, 0, refuseBody(http.StatusRequestEntityTooLarge, tooLarge, largeText(limit), nil)
	}
	_ = http.NewResponseController(w).SetReadDeadline(until) // net/http's connections all can
	var buffer bytes.Buffer
	buffer.Grow(int(min(max(r.ContentLength, 0), freeBody)) + bytes.MinRead)
	reader := http.MaxBytesReader(w, r.Body, limit)
	_, err := io.CopyN(&buffer, reader, freeBody)
	if err == nil { // there may be more
		ctx, cancel := context.WithDeadline(r.Context(), until)
		defer cancel()
		if err := rc.memory.Acquire(ctx, limit); err != nil {
			return nil, 0, noRoom(err)
		}
		held = limit
		_, err = buffer.ReadFrom(reader)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, held, unreadBody(err, limit)
	}
	return buffer.Bytes(), held, nil
}

func unreadBody(err error, limit int64) *answer {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return refuseBody(http.StatusRequestEntityTooLarge, tooLarge, largeText(limit), nil)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuseBody(http.StatusRequestTimeout, tooSlow, "the body came too slowly; send it again", nil)
	}
	return refuseBody(http.StatusBadRequest, halfSent, "the body broke off before its end; send it again", err)
}

func largeText(limit int64) string {
	return fmt.Sprintf("the body is larger than %d bytes; raise the source's max_body in hookline.yml if it should be taken", limit)
}
