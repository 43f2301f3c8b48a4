package receiver

import (
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/hookline/hookline/pkg/signature"
)

// MaxRejectedBody is the size in bytes from which the body of a Rejected is cut.
const MaxRejectedBody = 64 << 10

// The most rejected requests that are recorded, by source. Above that a flood is on, and a flood has no more to tell.
const (
	rejectedPerSecond = 10
	rejectedBurst     = 20
	strangeEvery      = 5 * time.Second // of requests for unknown sources
	maxRejectedText   = 1024            // bytes of method, path and query
)

// Quarantine is told of requests that were turned away and brought no event. It is safe for concurrent use, and it never waits.
type Quarantine interface {
	Rejected(r Rejected)
}

// Rejected is a request that was turned away. Credentials are hidden in it, and it is not changed later.
type Rejected struct {
	Source    string    // empty: no source is named as in Path
	Time      time.Time // of receipt
	Client    string    // its address
	Method    string
	Path      string // escaped
	Query     string
	Header    http.Header // with Host; nil for an unknown source
	Body      []byte
	Size      int64 // bytes of the body as it came
	Cut       bool  // Body lacks its end, because it is longer than MaxRejectedBody, or is left out, because the source redacts
	Status    int   // HTTP status code of the answer
	Reason    string
	Diagnosis signature.Diagnosis // zero for handshakes and unknown sources
	LeftOut   int64               // requests of the source that were turned away and not recorded since the last record, in a flood
}

// Why returns the cause of the rejection, and says it and the next step in plain sentences. Equal causes have an equal summary.
func (r Rejected) Why() (cause, summary, advice string) {
	switch r.Reason {
	case reasonSource:
		return reasonSource, "No source has the name at the end of the address",
			"Compare the end of the address, /webhooks/NAME, with the names under sources in hookline.yml. If you do not know the sender, there is nothing to do."
	case reasonHandshake:
		return reasonHandshake, "A question that the source's handshake does not answer",
			"Compare handshake of the source with the sender's documentation. If you do not know the sender, there is nothing to do."
	}
	return string(r.Diagnosis.Cause), r.Diagnosis.Summary(), r.Diagnosis.Advice()
}

// rejections limits the records of one source. It is safe for concurrent use.
type rejections struct {
	limiter *rate.Limiter
	leftOut atomic.Int64
}

func newRejections() *rejections {
	return &rejections{limiter: rate.NewLimiter(rejectedPerSecond, rejectedBurst)}
}

// reject returns a record of a request that is turned away; nil in a flood, and without a quarantine. The body is nil for a request that
// was not read.
func (rc *Receiver) reject(r *http.Request, s *source, body []byte, now time.Time) *Rejected {
	if rc.config.Quarantine == nil {
		return nil
	}
	if !s.rejections.limiter.AllowN(now, 1) {
		s.rejections.leftOut.Add(1)
		s.metrics.leftOut.Inc()
		return nil
	}
	shown, cut := s.shownBody(body)
	return &Rejected{
		Source: s.name, Time: now.UTC().Truncate(time.Millisecond), Client: rc.recorder.proxies.client(r), Method: clip(r.Method, 16),
		Path: clip(r.URL.EscapedPath(), maxRejectedText), Query: s.shownQuery(r.URL.RawQuery), Header: s.shownHeader(r),
		Body: shown, Size: int64(len(body)), Cut: cut, LeftOut: s.rejections.leftOut.Swap(0),
	}
}

// refuseUnverified refuses a message whose signature or token does not fit, and finds out why.
func (rc *Receiver) refuseUnverified(r *http.Request, s *source, body []byte, err error, now time.Time) *answer {
	doubt := rc.clock.inDoubt(rc.read(now))
	a := refuseSignature(s, err, doubt)
	if a.rejected = rc.reject(r, s, body, now); a.rejected != nil {
		request := rc.signed(r, s, body)
		request.Header, request.Query = withHost(r), r.URL.Query()
		a.rejected.Diagnosis = s.verifier.Diagnose(request, now, !doubt)
	}
	return a
}

// withHost returns the headers of a request with that which net/http takes out of them.
func withHost(r *http.Request) http.Header {
	h := r.Header.Clone()
	h.Set("Host", r.Host)
	return h
}

// rejectUnread records requests that are turned away before their body is read: handshakes, and those for unknown sources.
func (rc *Receiver) rejectUnread(r *http.Request, a *answer) {
	if a.result == resultHandshakeRefused && a.rejected == nil {
		a.rejected = rc.reject(r, a.source, nil, a.start)
	}
	if a.reason != reasonSource || !strings.HasPrefix(r.URL.Path, PathPrefix) {
		return
	}
	if a.rejected = rc.reject(r, a.source, nil, a.start); a.rejected != nil {
		a.rejected.Source, a.rejected.Header, a.rejected.Query = "", nil, ""
	}
}
