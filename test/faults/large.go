package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/hookline/hookline/test/faults/system"
)

// maxMessage is the max_message_size of the suite's nodes, in bytes.
const maxMessage = 1 << 20

// largeEvents sends events that are larger than RabbitMQ takes, which closes the channel of each. The other events have to go on. A large
// event that is answered 200 while RabbitMQ is away is a dead letter of the spool later.
func largeEvents(ctx context.Context, t *trial) (func(context.Context) error, error) {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended, refused := make(chan struct{}), 0
	go func() {
		defer close(ended)
		for n := 0; wait(sending, 100*time.Millisecond); n++ {
			for _, source := range []string{system.Refuse, system.Spool} {
				id := fmt.Sprintf("%s-large-%06d", source, n)
				if t.load.SendLarge(sending, source, t.Receivers[n%len(t.Receivers)].Listen, id, 2*maxMessage) == http.StatusRequestEntityTooLarge {
					refused++
				}
			}
		}
	}()
	return func(context.Context) error {
		stop()
		<-ended
		if len(t.plan.steps) == 1 && refused == 0 {
			return fmt.Errorf("no large event was answered %d", http.StatusRequestEntityTooLarge)
		}
		return nil
	}, nil
}
