package rabbitmq

import (
	"testing"
	"time"
)

func TestDelayExchange(t *testing.T) {
	t.Parallel()
	for remaining, want := range map[time.Duration]string{
		-time.Hour:             ReturnExchange,
		0:                      ReturnExchange,
		500 * time.Millisecond: ReturnExchange,
		501 * time.Millisecond: "hookline.retry.1s",
		time.Second:            "hookline.retry.1s",
		4 * time.Second:        "hookline.retry.1s",
		5 * time.Second:        "hookline.retry.5s",
		90 * time.Second:       "hookline.retry.30s",
		10 * time.Minute:       "hookline.retry.10m",
		1000 * time.Hour:       "hookline.retry.6h",
	} {
		if got := delayExchange(remaining); got != want {
			t.Errorf("delayExchange(%v) = %s, want %s", remaining, got, want)
		}
	}
}
