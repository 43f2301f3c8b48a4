package receiver

import (
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/signature"
)

// Reasons that are not the signature's or the line's; they appear in logs and audits.
const (
	handshakeAnswered = "handshake answered"
	handshakeRefused  = "handshake"
	noSource          = "no_source"
	wrongMethod       = "method"
	tooLarge          = "too_large"
	tooSlow           = "too_slow"
	halfSent          = "half_sent"
	limited           = "limited"
	tooMany           = "too_many"
	noMemory          = "no_memory"
	panicked          = "panic"
)

// retryAfter is what senders that read Retry-After are asked to wait when the fault is ours.
const retryAfter = 10 * time.Second

// answer is what a request comes to: what the sender reads, and what the log and the metrics say of it.
type answer struct {
	code        int
	body        []byte
	contentType string        // empty: JSON
	allow       string        // of a 405
	retryAfter  time.Duration // 0: not said
	hangUp      bool          // the rest of the request is not read
	unrouted    bool          // the event was stored, but no route takes it
	reason      string        // why nothing was stored, from a closed list; empty: the event was
	err         error         // for the log only
	event       event.Event   // as far as known
	secret      string        // the label of the secret that fitted
}

// answerCodes are all the codes that a source answers.
func answerCodes() []int {
	return []int{http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusTooManyRequests, http.StatusServiceUnavailable}
}

func stored(e event.Event, secret string) *answer {
	// An ID is printable ASCII, for which Go's quoting is JSON's.
	body := append(make([]byte, 0, len(e.ID)+16), `{"id":`...)
	body = append(strconv.AppendQuote(body, e.ID), '}')
	return &answer{code: http.StatusOK, body: body, event: e, secret: secret}
}

// storedBefore answers a repeat as the first was answered: for the sender there is no difference.
func storedBefore(e event.Event, secret string) *answer {
	a := stored(e, secret)
	a.reason = broker.CountDuplicate
	return a
}

func refuse(code int, reason, text string) *answer {
	body, _ := json.Marshal(map[string]string{"error": text}) // a string: it cannot fail
	return &answer{code: code, body: body, reason: reason}
}

func refuseSource() *answer {
	return refuse(http.StatusNotFound, noSource, "there is no such source; compare the end of the address, /webhooks/NAME, with the names under sources in hookline.yml")
}

func refuseMethod(allow string) *answer {
	a := refuse(http.StatusMethodNotAllowed, wrongMethod, "this address takes "+allow+" from the sender")
	a.allow = allow
	return a
}

func refuseHandshake(code int, text string) *answer { return refuse(code, handshakeRefused, text) }

func refuseBody(code int, reason, text string, err error) *answer {
	a := refuse(code, reason, text)
	a.hangUp, a.err = true, err
	return a
}

// shed says that there is no room for more, without reading it.
func shed(reason string) *answer {
	a := unavailable(reason, nil)
	a.hangUp = true
	return a
}

func refuseRate(wait time.Duration) *answer {
	a := refuse(http.StatusTooManyRequests, limited, "too many events from this source; send again after the time in Retry-After, or raise the source's rate in hookline.yml")
	a.retryAfter = wait
	return a
}

// refuseSignature says the same whatever is wrong with a signature: the reason is for the log.
func refuseSignature(err error) *answer {
	reason := signature.Mismatch
	if e, ok := errors.AsType[*signature.Error](err); ok {
		reason = e.Reason
	}
	if reason == signature.NoSecret {
		return unavailable(reason, err)
	}
	a := refuse(http.StatusUnauthorized, reason, "the signature or token does not fit; compare the secret here with the sender's, check both clocks, and see that no proxy changes the body")
	a.err = err
	return a
}

// unavailable is our fault: the sender should come again with the same event.
func unavailable(reason string, err error) *answer {
	a := refuse(http.StatusServiceUnavailable, reason, "not stored; please send it again later")
	a.retryAfter, a.err = retryAfter, err
	return a
}

func notStored(e event.Event, err error) *answer {
	a := unavailable(broker.Reason(err), err)
	a.event = e
	return a
}

func (a *answer) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", cmp.Or(a.contentType, "application/json"))
	if a.reason != "" { // an answer that a person may look at in a browser
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
	}
	if a.allow != "" {
		h.Set("Allow", a.allow)
	}
	if a.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(a.retryAfter.Seconds()))))
	}
	if a.hangUp {
		h.Set("Connection", "close")
	}
	w.WriteHeader(a.code)
	_, _ = w.Write(a.body) // a sender that has gone comes again
}
