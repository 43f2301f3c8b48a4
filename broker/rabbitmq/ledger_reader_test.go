package rabbitmq

import (
	"errors"
	"testing"
	"testing/synctest"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker/ledger"
)

// Only what shows that the stream is another one makes an audit give its book up.
func TestALostConnectionDoesNotMakeTheLedgerAnotherOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lost, resumed bool
		want          error
	}{
		"lost where the book ends":   {true, true, errEnded},
		"lost further on":            {true, false, errEnded},
		"silent where the book ends": {false, true, errSilent}, // it may be beyond the stream's end: see auditor.checkEnd
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
