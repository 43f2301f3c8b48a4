package journal

import "time"

// Rejected is the record of a request that was turned away and brought no event. Its texts come from strangers, except Cause, Summary,
// Advice and Checks. Credentials are hidden in it.
type Rejected struct {
	Source  string // empty: no source has the name in Path
	Time    time.Time
	Client  string // address
	Method  string
	Path    string // escaped
	Query   string
	Header  map[string][]string
	Body    []byte
	Size    int64 // bytes of the body as it came
	Cut     bool  // Body lacks its end, or is left out; the request cannot be admitted
	Status  int   // of the answer
	Reason  string
	LeftOut int64 // rejected requests of the source since the record before, which are not recorded
	Process string

	Cause   string  // of a closed list
	Summary string  // the cause as a sentence; equal for requests with an equal cause
	Advice  string  // the next step
	Checks  []Check // in their order
}

// Check is one thing that was tried to find the cause.
type Check struct {
	Passed bool
	Text   string
}

// rejectedSize returns the size of a record in memory without its body.
func rejectedSize(r *Rejected) int64 {
	n := recordSize + len(r.Client) + len(r.Path) + len(r.Query) + len(r.Summary) + len(r.Advice)
	for name, values := range r.Header {
		n += headerSize + len(name)
		for _, value := range values {
			n += headerSize + len(value)
		}
	}
	for _, c := range r.Checks {
		n += headerSize + len(c.Text)
	}
	return int64(n)
}

// Rejected records a rejected request. Its body is not copied, and must not change.
func (r *Recorder) Rejected(q Rejected) {
	body, rest := int64(cap(q.Body)), rejectedSize(&q)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bytes+rest+body > r.max {
		q.Cut, q.Body, body = q.Cut || len(q.Body) > 0, nil, 0
	}
	if c := r.collect(rest + body); c != nil {
		c.rejected = append(c.rejected, q)
		r.metrics.rejected.Inc()
	}
}
