package receiver_test

import (
	"net/http"
	"strings"
	"testing"
)

// BenchmarkPost is the whole way of an Alma event of 1.2 kB through the handler, with a line that stores nothing.
// Network and net/http are not in it; making the request is.
func BenchmarkPost(b *testing.B) {
	body := `{"id":"7","action":"JOB_END","institution":{"value":"01X","desc":"Library"},"time":"2025-02-08T10:00:00.000Z","job_instance":{"name":"` +
		strings.Repeat("x", 1050) + `","status":{"value":"COMPLETED_SUCCESS"}}}`
	header := http.Header{"Content-Type": {"application/json"}}
	sign(b, "alma", "", header, body)
	l := line{}
	handler := handlerFor(b, every(b), &l)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if w := request(b, handler, http.MethodPost, "/webhooks/alma", header, body); w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
		l.events = l.events[:0]
	}
}
