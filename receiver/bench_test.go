package receiver_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/receiver"
)

// nullBroker is a broker.Publisher that stores nothing.
type nullBroker struct{}

func (nullBroker) Publish(context.Context, event.Event) error { return nil }

// almaBody returns an Alma event of 1.2 kB.
func almaBody() string {
	return `{"id":"7","action":"JOB_END","institution":{"value":"01X","desc":"Library"},"time":"2025-02-08T10:00:00.000Z","job_instance":{"name":"` +
		strings.Repeat("x", 1050) + `","status":{"value":"COMPLETED_SUCCESS"}}}`
}

// BenchmarkPost measures an event from the HTTP handler to its answer, including the making of the request. It leaves out
// the network and net/http.
func BenchmarkPost(b *testing.B) {
	body := almaBody()
	header := http.Header{"Content-Type": {"application/json"}}
	sign(b, "alma", "", header, body)
	var fake fakeBroker
	handler := handlerFor(b, every(b), &fake)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if w := request(b, handler, http.MethodPost, "/webhooks/alma", header, body); w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
		fake.events = fake.events[:0]
	}
}

// BenchmarkServe measures an event over HTTP and 32 connections, including its log line and a sender that does as little
// as possible.
func BenchmarkServe(b *testing.B) {
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zap.InfoLevel))
	rc, err := receiver.New(every(b), nullBroker{}, prometheus.NewRegistry(), log)
	if err != nil {
		b.Fatal(err)
	}
	ln, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- rc.Serve(ctx, ln) }()

	body := almaBody()
	header := http.Header{}
	sign(b, "alma", "", header, body)
	request := fmt.Sprintf("POST /webhooks/alma HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Exl-Signature: %s\r\nContent-Length: %d\r\n\r\n%s",
		header.Get("X-Exl-Signature"), len(body), body)
	b.ReportAllocs()
	b.SetParallelism(16) // times the cores
	b.RunParallel(func(pb *testing.PB) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", ln.Addr().String())
		if err != nil {
			b.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		answers := bufio.NewReader(conn)
		for pb.Next() {
			if _, err := io.WriteString(conn, request); err != nil {
				b.Error(err)
				return
			}
			answer, err := http.ReadResponse(answers, nil)
			if err != nil {
				b.Error(err)
				return
			}
			if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
				b.Error(answer.Status, err)
				return
			}
		}
	})
	stop()
	if err := <-ended; err != nil {
		b.Error(err)
	}
}
