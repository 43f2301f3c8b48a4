package rabbitmq

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/hookline/hookline/broker"
)

// TestTheWholeTopology compares every object with testdata/topology.txt. RabbitMQ refuses a queue with other arguments than before,
// so each difference is a step that an upgrade has to explain.
func TestTheWholeTopology(t *testing.T) {
	t.Parallel()
	topology := wholeTopology(Config{Routes: []broker.Route{{Name: "archive", Match: []string{"alma.#", "github.*"}}}, Journal: true})
	var text strings.Builder
	for _, e := range topology.Exchanges {
		fmt.Fprintf(&text, "exchange %s %s %s\n", e.Name, e.Kind, arguments(t, e.Args))
	}
	for _, q := range topology.Queues {
		fmt.Fprintf(&text, "queue %s role=%s route=%q %s\n", q.Name, q.Role, q.Route, arguments(t, q.Args))
	}
	for _, b := range topology.Bindings {
		fmt.Fprintf(&text, "binding %s %q %s\n", b.Exchange, b.Key, b.Queue)
	}
	want, err := os.ReadFile("testdata/topology.txt")
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("the topology is not that of testdata/topology.txt:\n%s", text.String())
	}
}

// arguments returns arguments as JSON, sorted by name.
func arguments(t *testing.T, args map[string]any) string {
	t.Helper()
	text, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
