package rabbitmq

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/zap"
)

const (
	// declareWait is how long a session waits while another one declares.
	declareWait = 2 * time.Second
	// restoreInterval is the time between two checks for deleted exchanges.
	restoreInterval = 10 * time.Second
)

// errLacking says that an object is missing, and that this user may not declare it.
var errLacking = errors.New("missing, and this user may not make it")

// declarer declares the topology at the start of every session.
//
// It uses an object with other arguments as it is, because a broker that differs a little is better than none, and logs it
// once and counts it. A user without the permission to declare needs existing objects only; `topology apply` makes them
// as another user.
type declarer struct {
	objects []object
	metrics *metrics
	log     *zap.Logger

	limited   atomic.Bool   // RabbitMQ has refused a declaration of this user
	declaring chan struct{} // capacity 1: see declare
	mu        sync.Mutex
	reported  map[string]string // logged mismatches, by object
}

func newDeclarer(objects []object, m *metrics, log *zap.Logger) *declarer {
	return &declarer{objects: objects, metrics: m, log: log, declaring: make(chan struct{}, 1), reported: map[string]string{}}
}

// declare makes the missing objects. Its error means that the session cannot be used.
//
// The sessions of one process take turns, because RabbitMQ answers 541 to some that declare a new quorum queue at once. But
// a session whose connection hangs must not stop the others. So a session waits for declareWait at most; at worst it gets a
// 541, and another session follows.
func (d *declarer) declare(conn *amqp.Connection) error {
	select {
	case d.declaring <- struct{}{}:
		defer func() { <-d.declaring }()
	case <-time.After(declareWait):
	}
	admin := &adminChannel{conn: conn}
	defer admin.close()
	mismatches := map[string]string{}
	for _, o := range d.objects {
		err := d.ensure(admin, o)
		if reason, ok := mismatch(err); ok {
			mismatches[o.String()] = reason
		} else if err != nil {
			return fmt.Errorf("declare %s: %w", o, err)
		}
	}
	d.report(mismatches)
	return nil
}

// restoreUntilOver declares deleted exchanges again until the session is over. A publish to a deleted exchange fails, and the next
// session declares it. But only RabbitMQ itself publishes to the return exchange and to the unrouted exchange.
func (d *declarer) restoreUntilOver(s *session) {
	tick := time.NewTicker(restoreInterval)
	defer tick.Stop()
	for {
		select {
		case <-s.over:
			return
		case <-tick.C:
		}
		if err := d.restore(s.conn); err != nil && !s.conn.IsClosed() {
			d.log.Warn("deleted exchanges and queues cannot be declared again; trying again", zap.Error(err))
		}
	}
}

// restore declares everything if an exchange is missing, or if the operator may have made the objects that this user may not.
func (d *declarer) restore(conn *amqp.Connection) error {
	if len(d.lacking()) > 0 {
		return d.declare(conn)
	}
	admin := &adminChannel{conn: conn}
	defer admin.close()
	for _, o := range d.objects {
		if o.kind != exchange {
			continue
		}
		if err := admin.do(o.inspect); missing(err) {
			return d.declare(conn)
		} else if err != nil {
			return fmt.Errorf("inspect %s: %w", o, err)
		}
	}
	return nil
}

// ensure declares o. Once RabbitMQ has refused a declaration of this user, ensure inspects o first, because RabbitMQ logs
// each refusal as an error. Then it skips bindings: AMQP cannot inspect them.
func (d *declarer) ensure(admin *adminChannel, o object) error {
	limited := d.limited.Load()
	if limited {
		if o.inspect == nil {
			return nil
		}
		if err := admin.do(o.inspect); !missing(err) {
			return err
		}
	}
	err := admin.do(o.declare)
	if !forbidden(err) {
		return err
	}
	if limited {
		return errLacking
	}
	d.limited.Store(true)
	return d.ensure(admin, o)
}

// lacking names the missing objects that this user may not declare.
func (d *declarer) lacking() (objects []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for object, reason := range d.reported {
		if reason == errLacking.Error() {
			objects = append(objects, object)
		}
	}
	slices.Sort(objects)
	return objects
}

// report logs the new mismatches and counts all.
func (d *declarer) report(mismatches map[string]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for object, reason := range mismatches {
		switch {
		case d.reported[object] == reason:
		case reason == errLacking.Error():
			d.log.Warn("RabbitMQ lacks this, and this user may not make it: run `hookline topology apply` as the operator", zap.String("object", object))
		default:
			d.log.Warn("RabbitMQ has this with other arguments than Hookline declares, and Hookline uses it as it is; see hookline topology plan",
				zap.String("object", object), zap.String("difference", reason))
		}
	}
	d.metrics.mismatches.Add(float64(len(mismatches) - len(d.reported))) // another declarer counts its own
	d.reported = mismatches
}

// mismatch reports whether err says that an object exists with other arguments, or may not be declared, and returns
// RabbitMQ's reason.
func mismatch(err error) (reason string, ok bool) {
	if errors.Is(err, errLacking) {
		return errLacking.Error(), true
	}
	var e *amqp.Error
	if errors.As(err, &e) && (e.Code == amqp.PreconditionFailed || e.Code == amqp.AccessRefused) {
		return e.Reason, true
	}
	return "", false
}

// object is an exchange, a queue or a binding of a topology.
type object struct {
	kind, name string
	declare    func(*amqp.Channel) error
	inspect    func(*amqp.Channel) error // declares passively; nil for a binding, which AMQP cannot inspect
}

const exchange = "exchange" // a kind of object

func (o object) String() string { return o.kind + " " + o.name }

func bindingName(exchange, queue, key string) string {
	return fmt.Sprintf("%s -> %s by %q", exchange, queue, key)
}

// objects lists a topology in the order of its declaration.
func objects(t Topology) []object {
	var list []object
	for _, e := range t.Exchanges {
		args := amqp.Table(maps.Clone(e.Args))
		list = append(list, object{exchange, e.Name,
			func(ch *amqp.Channel) error {
				return ch.ExchangeDeclare(e.Name, e.Kind, true, false, false, false, args)
			},
			func(ch *amqp.Channel) error {
				return ch.ExchangeDeclarePassive(e.Name, e.Kind, true, false, false, false, nil)
			},
		})
	}
	for _, q := range t.Queues {
		args := amqp.Table(maps.Clone(q.Args))
		list = append(list, object{"queue", q.Name,
			func(ch *amqp.Channel) error {
				_, err := ch.QueueDeclare(q.Name, true, false, false, false, args)
				return err
			},
			func(ch *amqp.Channel) error {
				_, err := inspectQueue(ch, q.Name)
				return err
			},
		})
	}
	for _, b := range t.Bindings {
		list = append(list, object{kind: "binding", name: bindingName(b.Exchange, b.Queue, b.Key),
			declare: func(ch *amqp.Channel) error { return ch.QueueBind(b.Queue, b.Key, b.Exchange, false, nil) },
		})
	}
	return list
}
