package journal

// wireRejected is a Rejected as it is written.
type wireRejected struct {
	Source  string              `cbor:"1,keyasint,omitempty"`
	Time    int64               `cbor:"2,keyasint"` // milliseconds since 1970
	Client  string              `cbor:"3,keyasint,omitempty"`
	Method  string              `cbor:"4,keyasint,omitempty"`
	Path    string              `cbor:"5,keyasint,omitempty"`
	Query   string              `cbor:"6,keyasint,omitempty"`
	Header  map[string][]string `cbor:"7,keyasint,omitempty"`
	Body    []byte              `cbor:"8,keyasint,omitempty"`
	Size    int64               `cbor:"9,keyasint,omitempty"`
	Cut     bool                `cbor:"10,keyasint,omitempty"`
	Status  int                 `cbor:"11,keyasint,omitempty"`
	Reason  string              `cbor:"12,keyasint,omitempty"`
	LeftOut int64               `cbor:"13,keyasint,omitempty"`
	Process string              `cbor:"14,keyasint,omitempty"`
	Cause   string              `cbor:"15,keyasint,omitempty"`
	Summary string              `cbor:"16,keyasint,omitempty"`
	Advice  string              `cbor:"17,keyasint,omitempty"`
	Checks  []wireCheck         `cbor:"18,keyasint,omitempty"`
}

type wireCheck struct {
	Passed bool   `cbor:"1,keyasint,omitempty"`
	Text   string `cbor:"2,keyasint"`
}

func toWireRejected(r *Rejected) wireRejected {
	w := wireRejected{
		Source: r.Source, Time: millis(r.Time), Client: r.Client, Method: r.Method, Path: r.Path, Query: r.Query, Header: r.Header, Body: r.Body, Size: r.Size,
		Cut: r.Cut, Status: r.Status, Reason: r.Reason, LeftOut: r.LeftOut, Process: r.Process, Cause: r.Cause, Summary: r.Summary, Advice: r.Advice,
	}
	for _, c := range r.Checks {
		w.Checks = append(w.Checks, wireCheck(c))
	}
	return w
}

func (w *wireRejected) record() Rejected {
	r := Rejected{
		Source: w.Source, Time: fromMillis(w.Time), Client: w.Client, Method: w.Method, Path: w.Path, Query: w.Query, Header: w.Header, Body: w.Body, Size: w.Size,
		Cut: w.Cut, Status: w.Status, Reason: w.Reason, LeftOut: w.LeftOut, Process: w.Process, Cause: w.Cause, Summary: w.Summary, Advice: w.Advice,
	}
	for _, c := range w.Checks {
		r.Checks = append(r.Checks, Check(c))
	}
	return r
}
