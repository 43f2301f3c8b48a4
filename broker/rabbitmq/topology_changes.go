package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
)

// State is the state of an object of the topology on RabbitMQ.
type State string

// The states.
const (
	StateExists  State = "exists"  // as Hookline declares it
	StateMissing State = "missing" // Apply will make it
	StateMade    State = "made"    // Apply has made it
	StateDiffers State = "differs" // has other arguments, or this user may not declare it; Apply leaves it unchanged
	StateUnknown State = "unknown" // a binding: AMQP cannot list bindings; Apply makes it if it is missing
	StateBound   State = "bound"   // a binding that Apply has made or found: AMQP answers the same
	StateAtRisk  State = "risk"    // a queue that can lose events; Apply changes neither members nor policies
	StateLeft    State = "left"    // a queue of a route that the configuration lacks, or a binding that no running process has
	StateUnbound State = "unbound" // a binding that was left, and that Apply has removed
)

// Change is an object of the topology and its state.
type Change struct {
	Kind   string `json:"kind"` // exchange, queue or binding; members or policy of a queue; route
	Name   string `json:"name"`
	State  State  `json:"state"`
	Detail string `json:"detail,omitempty"` // RabbitMQ's description of a difference, or what to do
}

// Differs reports whether the object is missing on RabbitMQ, differs from the configuration, is left from another one, or can lose
// events. It is false for a binding, which AMQP cannot inspect.
func (c Change) Differs() bool {
	return c.State == StateMissing || c.State == StateDiffers || c.State == StateLeft || c.State == StateAtRisk
}

// Unseen reports whether the state is unknown.
func (c Change) Unseen() bool { return c.State == StateUnknown }

// Plan compares RabbitMQ with the topology, without changes. It names the queues that can lose events, too.
func Plan(ctx context.Context, cfg Config) ([]Change, error) {
	var changes []Change
	err := withConnection(ctx, cfg, func(conn *amqp.Connection) error {
		return eachObject(ctx, conn, cfg, func(admin *adminChannel, o object) error {
			change, err := inspect(admin, o)
			changes = append(changes, change)
			return err
		})
	})
	if err != nil {
		return changes, err
	}
	return slices.Concat(changes, leftOverChanges(ctx, cfg, false), atRiskChanges(ctx, cfg)), nil
}

// Apply makes the missing objects, as every session does. It leaves existing objects unchanged.
func Apply(ctx context.Context, cfg Config) ([]Change, error) {
	var changes []Change
	err := withConnection(ctx, cfg, func(conn *amqp.Connection) error {
		return eachObject(ctx, conn, cfg, func(admin *adminChannel, o object) error {
			change, err := inspect(admin, o)
			if err == nil && (change.State == StateMissing || change.State == StateUnknown) {
				change, err = apply(admin, o, change)
			}
			changes = append(changes, change)
			return err
		})
	})
	if err != nil {
		return changes, err
	}
	return append(changes, leftOverChanges(ctx, cfg, true)...), nil
}

// leftOverTime bounds the reading of the ledger by Plan and Apply.
const leftOverTime = 5 * time.Second

// leftOverChanges returns the queues of routes that the configuration lacks, and the bindings that no running process has. With apply
// it removes these bindings. The ledger has both; if it cannot be read, the one change says so.
func leftOverChanges(ctx context.Context, cfg Config, apply bool) (changes []Change) {
	ctx, cancel := context.WithTimeout(ctx, leftOverTime)
	defer cancel()
	unseen := func(err error) []Change {
		return append(changes, Change{Kind: "route", Name: "(removed)", State: StateUnknown, Detail: "removed routes cannot be looked for: " + err.Error()})
	}
	b, err := Attach(cfg)
	if err != nil {
		return unseen(err)
	}
	defer func() { _ = b.Close(ctx) }()
	queues, err := b.LeftOver(ctx)
	if err != nil {
		return unseen(err)
	}
	for _, q := range queues {
		changes = append(changes, Change{Kind: "queue", Name: q.Name, State: StateLeft,
			Detail: fmt.Sprintf("%d events; the configuration has no route %s: see `hookline topology retire`", q.Waiting, q.Route)})
	}
	var removed []broker.Binding
	remaining, err := b.stale(ctx)
	if err == nil && apply && len(remaining) > 0 {
		removed, remaining, err = b.Unbind(ctx)
	}
	for _, binding := range removed {
		changes = append(changes, Change{Kind: "binding", Name: bindingName(EventsExchange, broker.WorkQueue(binding.Route), binding.Pattern), State: StateUnbound})
	}
	for _, binding := range remaining {
		changes = append(changes, Change{Kind: "binding", Name: bindingName(EventsExchange, broker.WorkQueue(binding.Route), binding.Pattern), State: StateLeft,
			Detail: "no running process has it in its configuration"})
	}
	if err != nil {
		return unseen(err)
	}
	return changes
}

// atRiskChanges returns the queues that can lose events. If the management API cannot be asked, the one change says so.
func atRiskChanges(ctx context.Context, cfg Config) (changes []Change) {
	unseen := func(reason string) []Change {
		return []Change{{Kind: "members", Name: "(all queues)", State: StateUnknown, Detail: "members and policies of queues cannot be seen: " + reason}}
	}
	api := newManagementAPI(cfg)
	if api == nil {
		return unseen("set broker.management to the URL of RabbitMQ's management API")
	}
	found, err := api.queuesAtRisk(ctx)
	if err != nil {
		return unseen(err.Error())
	}
	for _, q := range found {
		changes = append(changes, Change{Kind: string(q.Risk), Name: q.Queue, State: StateAtRisk, Detail: q.Advice})
	}
	return changes
}

// Unbind removes the binding of a route by a pattern that was removed from its configuration. Apply cannot do it, because AMQP
// cannot list bindings. Unbind returns an error for a missing queue, and nil for a missing binding.
func Unbind(ctx context.Context, cfg Config, route, pattern string) error {
	return withConnection(ctx, cfg, func(conn *amqp.Connection) error {
		ch, err := conn.Channel()
		if err != nil {
			return fmt.Errorf("open channel: %w", err)
		}
		_, err = inspectQueue(ch, broker.WorkQueue(route))
		if missing(err) {
			return fmt.Errorf("there is no queue of a route %q; `hookline queues` lists the queues", route)
		}
		if err != nil {
			return fmt.Errorf("inspect route %q: %w", route, err)
		}
		if err := ch.QueueUnbind(broker.WorkQueue(route), pattern, EventsExchange, nil); err != nil {
			return fmt.Errorf("unbind route %q from %q: %w", route, pattern, err)
		}
		return nil
	})
}

// inspect returns the state of an object. It declares an existing object again, because RabbitMQ then compares the arguments.
func inspect(admin *adminChannel, o object) (Change, error) {
	c := Change{Kind: o.kind, Name: o.name, State: StateUnknown}
	if o.inspect == nil {
		return c, nil
	}
	err := admin.do(o.inspect)
	if missing(err) {
		c.State = StateMissing
		return c, nil
	}
	if err == nil {
		err = admin.do(o.declare)
	}
	if reason, ok := mismatch(err); ok {
		c.State, c.Detail = StateDiffers, reason
		return c, nil
	}
	c.State = StateExists
	return c, err
}

func apply(admin *adminChannel, o object, c Change) (Change, error) {
	err := admin.do(o.declare)
	if reason, ok := mismatch(err); ok {
		c.State, c.Detail = StateDiffers, reason
		return c, nil
	}
	if c.State == StateUnknown {
		c.State = StateBound
	} else {
		c.State = StateMade
	}
	return c, err
}

// eachObject calls visit for every object of the topology, on one connection.
func eachObject(ctx context.Context, conn *amqp.Connection, cfg Config, visit func(*adminChannel, object) error) error {
	admin := &adminChannel{conn: conn}
	defer admin.close()
	for _, o := range objects(wholeTopology(cfg)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := visit(admin, o); err != nil {
			return fmt.Errorf("%s: %w", o, err)
		}
	}
	return nil
}

// withConnection connects to the first node that answers, calls do and closes the connection.
func withConnection(ctx context.Context, cfg Config, do func(*amqp.Connection) error) error {
	if err := cfg.check(); err != nil {
		return err
	}
	d := newDialer(cfg, "plan")
	var errs []error
	for range cfg.URLs {
		conn, address, err := d.dial(ctx, func(*amqp.Connection) error { return nil })
		if err != nil {
			errs = append(errs, err)
			continue
		}
		defer closeConnection(conn)
		if err := do(conn); err != nil {
			return fmt.Errorf("rabbitmq: %s: %w", address, err)
		}
		return nil
	}
	return fmt.Errorf("rabbitmq: %w: %w", broker.ErrDown, errors.Join(errs...))
}
