package rabbitmq

import (
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/broker"
)

func TestParkAt(t *testing.T) {
	t.Parallel()
	for remaining, want := range map[time.Duration]string{
		-time.Hour:             broker.ReturnExchange,
		0:                      broker.ReturnExchange,
		500 * time.Millisecond: broker.ReturnExchange,
		501 * time.Millisecond: "hookline.retry.1s",
		time.Second:            "hookline.retry.1s",
		4 * time.Second:        "hookline.retry.1s",
		5 * time.Second:        "hookline.retry.5s",
		90 * time.Second:       "hookline.retry.30s",
		10 * time.Minute:       "hookline.retry.10m",
		1000 * time.Hour:       "hookline.retry.6h",
	} {
		if got := parkAt(remaining); got != want {
			t.Errorf("parkAt(%v) = %s, want %s", remaining, got, want)
		}
	}
}

func TestWatchdogBitesOnlyWhenPublishesWait(t *testing.T) {
	t.Parallel()
	var w watchdog
	at := time.Unix(1000, 0)
	after := func(d time.Duration) bool { at = at.Add(d); return w.stalled(at) }
	if after(time.Hour) {
		t.Error("it bites an idle session")
	}
	w.published(at)
	w.published(at)
	if after(maxStall) {
		t.Error("it bites too early")
	}
	w.confirmed(at, 1)
	if after(maxStall) {
		t.Error("it bites although a confirm came")
	}
	if !after(time.Second) {
		t.Error("it does not bite")
	}
	w.confirmed(at, 1)
	if after(time.Hour) {
		t.Error("it bites when all is confirmed")
	}
}
