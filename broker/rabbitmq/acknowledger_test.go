package rabbitmq

import (
	"fmt"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// frames records the settlements of a channel.
type frames []string

func (f *frames) Ack(tag uint64, multiple bool) error {
	*f = append(*f, fmt.Sprintf("ack %d %v", tag, multiple))
	return nil
}

func (f *frames) Nack(tag uint64, multiple, requeue bool) error {
	*f = append(*f, fmt.Sprintf("nack %d %v %v", tag, multiple, requeue))
	return nil
}

func (f *frames) Reject(tag uint64, requeue bool) error {
	*f = append(*f, fmt.Sprintf("reject %d %v", tag, requeue))
	return nil
}

// A second settlement would close the channel, and one frame must not acknowledge a delivery that is still handled.
func TestADeliveryIsSettledOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settle func(a *acknowledger) error
		want   frames
	}{
		"one":                      {func(a *acknowledger) error { return a.ack(2) }, frames{"ack 2 false"}},
		"all up to an unsettled":   {func(a *acknowledger) error { return a.ack(3, 1, 2) }, frames{"ack 3 true"}},
		"some beyond":              {func(a *acknowledger) error { return a.ack(5, 2, 1, 4) }, frames{"ack 2 true", "ack 4 false", "ack 5 false"}},
		"all":                      {func(a *acknowledger) error { return a.ack(1, 2, 3, 4, 5) }, frames{"ack 5 true"}},
		"a rejected one":           {func(a *acknowledger) error { return a.reject(2) }, frames{"reject 2 true"}},
		"acknowledged twice":       {func(a *acknowledger) error { _ = a.ack(2); return a.ack(2) }, frames{"ack 2 false"}},
		"rejected and then done":   {func(a *acknowledger) error { _ = a.reject(2); return a.ack(2) }, frames{"reject 2 true"}},
		"done and then rejected":   {func(a *acknowledger) error { _ = a.ack(2); return a.reject(2) }, frames{"ack 2 false"}},
		"again with another":       {func(a *acknowledger) error { _ = a.ack(2); return a.ack(2, 3) }, frames{"ack 2 false", "ack 3 false"}},
		"one that was never added": {func(a *acknowledger) error { return a.ack(9) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent frames
			a := newAcknowledger(&sent, 5, newFetchedBytes(0, prometheus.NewGauge(prometheus.GaugeOpts{})))
			for tag := range uint64(5) {
				a.add(tag+1, 0)
			}
			if !a.full() {
				t.Error("the prefetch allows more than five")
			}
			if err := c.settle(a); err != nil || !slices.Equal(sent, c.want) {
				t.Errorf("sent %v, %v, want %v", sent, err, c.want)
			}
		})
	}
}
