package journal

// The sizes are estimates of memory in bytes, which are a little more than those on the wire.
const (
	recordSize = 256 // of a record without its texts
	headerSize = 48  // of a header's entry without its texts
)

// storedSize returns the size of a record without its body.
func storedSize(s *Stored) int64 {
	e := &s.Event
	n := recordSize + len(e.ID) + len(e.Source) + len(e.Action) + len(e.ContentType) + len(s.Secret)
	for name, value := range e.Header {
		n += headerSize + len(name) + len(value)
	}
	return int64(n)
}

// attemptSize returns the size of a record. Texts that all records of a process share, such as the route, count too.
func attemptSize(a *Attempt) int64 {
	return int64(recordSize + len(a.Key.ID) + len(a.Key.Source) + len(a.Key.Action) + len(a.Route) + len(a.Reason) + len(a.Error))
}
