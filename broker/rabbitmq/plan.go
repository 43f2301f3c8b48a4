package rabbitmq

import (
	"context"
	"errors"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
)

// State says how an object of the topology stands on the broker.
type State string

// The states.
const (
	StateExists  State = "exists"  // as Hookline declares it
	StateMissing State = "missing" // Apply would make it
	StateMade    State = "made"    // Apply has made it
	StateDiffers State = "differs" // otherwise than Hookline would declare it, or not ours to declare; it stays as it is
	StateUnknown State = "unknown" // a binding: AMQP cannot list them; Apply makes it if it is missing
	StateBound   State = "bound"   // a binding that Apply has made, or found: AMQP does not tell which
)

// Change is one object of the topology and how it stands.
type Change struct {
	Kind   string `json:"kind"` // exchange, queue or binding
	Name   string `json:"name"`
	State  State  `json:"state"`
	Detail string `json:"detail,omitempty"` // the broker's own words for a difference
}

// Differs tells whether the broker is not yet, or not at all, as the configuration says. A binding that AMQP cannot look at
// does not count.
func (c Change) Differs() bool { return c.State == StateMissing || c.State == StateDiffers }

// Unseen tells whether it could not be seen how the object stands.
func (c Change) Unseen() bool { return c.State == StateUnknown }

// Plan compares the broker with the topology and changes nothing.
func Plan(ctx context.Context, cfg Config) ([]Change, error) {
	var changes []Change
	err := once(ctx, cfg, func(conn *amqp.Connection) error {
		return each(ctx, conn, cfg, func(s *adminChannel, o object) error {
			change, err := look(s, o)
			changes = append(changes, change)
			return err
		})
	})
	return changes, err
}

// Apply makes what is missing, as every session does, and deletes or changes nothing.
func Apply(ctx context.Context, cfg Config) ([]Change, error) {
	var changes []Change
	err := once(ctx, cfg, func(conn *amqp.Connection) error {
		return each(ctx, conn, cfg, func(s *adminChannel, o object) error {
			change, err := look(s, o)
			if err == nil && (change.State == StateMissing || change.State == StateUnknown) {
				change, err = apply(s, o, change)
			}
			changes = append(changes, change)
			return err
		})
	})
	return changes, err
}

// Unbind removes the binding of a route to a pattern that is no longer in its configuration: AMQP cannot list bindings,
// so a narrowed route keeps what it was bound to. A binding that does not exist is no error; a queue is.
func Unbind(ctx context.Context, cfg Config, route, pattern string) error {
	return once(ctx, cfg, func(conn *amqp.Connection) error {
		ch, err := conn.Channel()
		if err != nil {
			return fmt.Errorf("open channel: %w", err)
		}
		_, err = ch.QueueDeclarePassive(broker.WorkQueue(route), true, false, false, false, nil)
		if missing(err) {
			return fmt.Errorf("there is no queue of a route %q; `hookline queues` shows those that there are", route)
		}
		if err != nil {
			return fmt.Errorf("look at route %q: %w", route, err)
		}
		if err := ch.QueueUnbind(broker.WorkQueue(route), pattern, EventsExchange, nil); err != nil {
			return fmt.Errorf("unbind route %q from %q: %w", route, pattern, err)
		}
		return nil
	})
}

// look tells how an object stands. An existing one is declared again, which compares it and makes nothing.
func look(s *adminChannel, o object) (Change, error) {
	c := Change{Kind: o.kind, Name: o.name, State: StateUnknown}
	if o.inspect == nil {
		return c, nil
	}
	err := s.do(o.inspect)
	if missing(err) {
		c.State = StateMissing
		return c, nil
	}
	if err == nil {
		err = s.do(o.declare)
	}
	if words, ok := mismatch(err); ok {
		c.State, c.Detail = StateDiffers, words
		return c, nil
	}
	c.State = StateExists
	return c, err
}

func apply(s *adminChannel, o object, c Change) (Change, error) {
	err := s.do(o.declare)
	if words, ok := mismatch(err); ok {
		c.State, c.Detail = StateDiffers, words
		return c, nil
	}
	if c.State == StateUnknown {
		c.State = StateBound
	} else {
		c.State = StateMade
	}
	return c, err
}

// each visits every object of the topology on one connection.
func each(ctx context.Context, conn *amqp.Connection, cfg Config, visit func(*adminChannel, object) error) error {
	s := &adminChannel{conn: conn}
	defer s.close()
	for _, o := range objects(NewTopology(cfg.Routes)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := visit(s, o); err != nil {
			return fmt.Errorf("%s: %w", o, err)
		}
	}
	return nil
}

// once connects to the first node that answers, does one thing and says goodbye.
func once(ctx context.Context, cfg Config, do func(*amqp.Connection) error) error {
	if err := cfg.check(); err != nil {
		return err
	}
	d := newDialer(cfg, "plan")
	var errs []error
	for range cfg.URLs {
		conn, at, err := d.dial(ctx, func(*amqp.Connection) error { return nil })
		if err != nil {
			errs = append(errs, err)
			continue
		}
		defer closeConnection(conn)
		if err := do(conn); err != nil {
			return fmt.Errorf("rabbitmq: %s: %w", at, err)
		}
		return nil
	}
	return fmt.Errorf("rabbitmq: %w: %w", broker.ErrDown, errors.Join(errs...))
}
