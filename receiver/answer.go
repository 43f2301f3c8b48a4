package receiver

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/signature"
)

// retryAfter is the value of Retry-After in every 503.
const retryAfter = 10 * time.Second

// answer is the HTTP response to a request, and the part of the request's record that is known with it.
type answer struct {
	record
	body        []byte
	contentType string        // empty: JSON
	allow       string        // header of a 405
	challenge   string        // header of a 401: WWW-Authenticate
	retryAfter  time.Duration // header; 0 leaves it out
	hangUp      bool          // the connection ends with the answer, and the rest of the request is ignored
}

// answerCodes lists every status code that a source answers.
func answerCodes() []int {
	return []int{http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusTooManyRequests, http.StatusServiceUnavailable}
}

// published answers an event by the error of its publish. The 200 of a duplicate equals the first one.
func published(e event.Event, err error) *answer {
	duplicate := errors.Is(err, broker.ErrDuplicate)
	switch {
	case errors.Is(err, broker.ErrTooLarge):
		a := refuse(http.StatusRequestEntityTooLarge, reasonTooLarge, "the body is larger than the broker takes; raise its limit, or lower the source's max_body in hookline.yml")
		a.err = err
		return a
	case err != nil && !duplicate:
		a := unavailable(broker.Reason(err), err)
		a.result, a.event = resultNotStored, e
		return a
	}
	// An ID is printable ASCII, for which Go's quoting is JSON's.
	body := append(make([]byte, 0, len(e.ID)+16), `{"id":`...)
	body = append(strconv.AppendQuote(body, e.ID), '}')
	a := &answer{body: body, record: record{status: http.StatusOK, result: resultStored, event: e}}
	if duplicate {
		a.result, a.reason = resultDuplicate, broker.CountDuplicate
	}
	return a
}

func refuse(status int, reason, text string) *answer {
	body, _ := json.Marshal(map[string]string{"error": text}) // always works for strings
	return &answer{body: body, record: record{status: status, reason: reason}}
}

func refuseSource() *answer {
	return refuse(http.StatusNotFound, reasonSource, "there is no such source; compare the end of the address, /webhooks/NAME, with the names under sources in hookline.yml")
}

func refuseMethod(allow string) *answer {
	a := refuse(http.StatusMethodNotAllowed, reasonMethod, "this address takes "+allow+" from the sender")
	a.allow = allow
	return a
}

func refuseHandshake(status int, text string) *answer {
	a := refuse(status, reasonHandshake, text)
	a.result = resultHandshakeRefused
	return a
}

func refuseBody(status int, reason, text string, err error) *answer {
	a := refuse(status, reason, text)
	a.hangUp, a.err = true, err
	return a
}

// shed refuses a request that met a bound, and leaves its body unread.
func shed(reason string, met bound, err error) *answer {
	a := unavailable(reason, err)
	a.hangUp, a.met = true, met
	return a
}

func refuseRate(wait time.Duration) *answer {
	a := refuse(http.StatusTooManyRequests, reasonLimited, "too many events from this source; send again after the time in Retry-After, or raise the source's rate in hookline.yml")
	a.retryAfter = wait
	return a
}

// refuseSignature answers every wrong signature with the same text. Only the log has the reason. A signature that is stale by a clock
// in doubt is not the sender's fault.
func refuseSignature(s *source, err error, clockInDoubt bool) *answer {
	reason := signature.Mismatch
	if e, ok := errors.AsType[*signature.Error](err); ok {
		reason = e.Reason
	}
	var a *answer
	switch {
	case reason == signature.NoSecret:
		a = unavailable(reason, err)
	case reason == signature.Stale && clockInDoubt:
		a = unavailable(reasonClock, fmt.Errorf("no sender's signed time has confirmed this machine's clock in the last hour, or it jumped since; compare it with `timedatectl`: %w", err))
	default:
		a = refuse(http.StatusUnauthorized, reason, "the signature or token does not fit; compare the secret here with the sender's, check both clocks, and see that no proxy changes the body")
		a.err, a.challenge = err, challengeOf(s.Verify)
	}
	a.result = resultUnverified
	return a
}

// challengeOf names the way to authenticate, as RFC 9110, section 15.5.2, wants it in a 401. Some clients send credentials only after
// it. Schemes of HTTP have no name for other signatures and tokens.
func challengeOf(scheme signature.Scheme) string {
	switch scheme.Token {
	case "basic":
		return `Basic realm="hookline", charset="UTF-8"`
	case "bearer":
		return `Bearer realm="hookline"`
	}
	return ""
}

// unavailable answers a fault on this side, so that the sender sends the same event again.
func unavailable(reason string, err error) *answer {
	a := refuse(http.StatusServiceUnavailable, reason, "not stored; please send it again later")
	a.retryAfter, a.err = retryAfter, err
	return a
}

func (a *answer) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", cmp.Or(a.contentType, "application/json"))
	if a.result != resultStored { // a person may look at it in a browser
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
	}
	if a.allow != "" {
		h.Set("Allow", a.allow)
	}
	if a.challenge != "" {
		h.Set("WWW-Authenticate", a.challenge)
	}
	if a.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(a.retryAfter.Seconds()))))
	}
	if a.hangUp {
		h.Set("Connection", "close")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a sender that has gone sends again
}
