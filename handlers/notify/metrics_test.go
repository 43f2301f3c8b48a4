package notify_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"

	"github.com/hookline/hookline/handlers/notify"
)

// TestMessagesAreCounted runs alone: the library of url uses Go's shared transport, and the end of another test's server closes the
// connections of that.
func TestMessagesAreCounted(t *testing.T) {
	address, _ := service(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	reg := prometheus.NewRegistry()
	h, err := notify.New(notify.Config{URL: "generic+" + address, Text: text}, library(), notify.NewMetrics(reg), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Handle(t.Context(), ended("1")); err != nil {
		t.Fatal(err)
	}
	want := `
# HELP hookline_notify_sent_total Messages by service and result.
# TYPE hookline_notify_sent_total counter
hookline_notify_sent_total{result="failed",service="url"} 0
hookline_notify_sent_total{result="maybe",service="url"} 0
hookline_notify_sent_total{result="nobody",service="none"} 0
hookline_notify_sent_total{result="repeat",service="url"} 0
hookline_notify_sent_total{result="sent",service="url"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "hookline_notify_sent_total"); err != nil {
		t.Error(err)
	}
}
