package rabbitmq

import (
	"errors"
	"testing"
	"testing/synctest"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker/ledger"
)

// An audit drops its book only if the stream was certainly replaced.
func TestALostConnectionIsNotTakenForAReplacedLedger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lost, resumed bool
		want          error
	}{
		"lost where the book ends":   {true, true, errEnded},
		"lost further on":            {true, false, errEnded},
		"silent where the book ends": {false, true, errSilent}, // the offset may be beyond the stream's end: see auditor.checkEnd
		"silent further on":          {false, false, errSilent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				deliveries := make(chan amqp.Delivery)
				if c.lost {
					close(deliveries)
				}
				r := ledgerReader{book: ledger.NewBook(), deliveries: deliveries, resumed: c.resumed}
				if err := r.catchUp(t.Context(), "p", 1); !errors.Is(err, c.want) {
					t.Errorf("%v, not %v", err, c.want)
				}
			})
		})
	}
}
