package rabbitmq_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
)

func TestOpenNamesEveryMistakeAndNoPassword(t *testing.T) {
	t.Parallel()
	_, err := rabbitmq.Open(rabbitmq.Config{
		URLs:       []string{"amqp://u:secret@host:x/", "http://u:secret@host/", "amqp://u:se%cret@host/"},
		Duplicates: -1,
		Routes: []broker.Route{
			{Name: "a", Match: []string{"#"}}, {Name: "a", Match: []string{"#"}}, {Name: "B", Match: nil},
		},
	}, prometheus.NewRegistry(), zap.NewNop())
	text := fmt.Sprint(err)
	for _, want := range []string{"urls[0]", "urls[1]", "urls[2]", "duplicates is -1ns", `"a" exists twice`, `"B": a name`, `"B": match`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q does not say %q", text, want)
		}
	}
	if strings.Contains(text, "cret") {
		t.Errorf("the error shows a password: %s", text)
	}
	if _, err := rabbitmq.Open(rabbitmq.Config{}, prometheus.NewRegistry(), zap.NewNop()); err == nil {
		t.Error("a configuration without a URL was accepted")
	}
}

func TestErrorsNameTheAddressWithoutCredentials(t *testing.T) {
	t.Parallel()
	cfg := rabbitmq.Config{URLs: []string{"amqp://user:secret@127.0.0.1:1/vhost?heartbeat=5"}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := rabbitmq.Plan(ctx, cfg)
	if text := fmt.Sprint(err); !strings.Contains(text, "amqp://127.0.0.1:1/vhost:") || strings.Contains(text, "secret") {
		t.Errorf("plan: %s", text)
	}
}
