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

// declarer declares the topology at the start of every session.
//
// What exists with other arguments is used as it is: a line that differs a little is better than none. It is logged once
// and counted. A user who may not declare needs no more than that the objects exist, which `topology apply` sees to as
// another user.
type declarer struct {
	objects []object
	metrics *metrics
	log     *zap.Logger

	mayNot   atomic.Bool   // our user was refused a declaration
	turn     chan struct{} // capacity 1: see declare
	mu       sync.Mutex
	reported map[string]string // mismatches that were logged, by object
}

const (
	// turnTime is how long one session waits for another's declaration.
	turnTime = 2 * time.Second
	// keepInterval is how often it is looked whether an exchange is gone.
	keepInterval = 10 * time.Second
)

func newDeclarer(objects []object, m *metrics, log *zap.Logger) *declarer {
	return &declarer{objects: objects, metrics: m, log: log, turn: make(chan struct{}, 1), reported: map[string]string{}}
}

// declare makes what is missing. Its error means that the session cannot be used.
//
// Sessions of one process take turns, since RabbitMQ answers 541 to some that declare a new quorum queue at once. But
// one whose connection hangs must not hold up the others: then the worst is a 541, and another session.
func (d *declarer) declare(conn *amqp.Connection) error {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-time.After(turnTime):
	}
	admin := &adminChannel{conn: conn}
	defer admin.close()
	found := map[string]string{}
	for _, o := range d.objects {
		err := d.ensure(admin, o)
		if words, ok := mismatch(err); ok {
			found[o.String()] = words
		} else if err != nil {
			return fmt.Errorf("declare %s: %w", o, err)
		}
	}
	d.report(found)
	return nil
}

// keep declares again what was deleted, until the session is over. Whoever publishes to an exchange hears that it is gone, but to
// that by which events come back from the delay queues, and to that of the unrouted, RabbitMQ alone does.
func (d *declarer) keep(s *session) {
	tick := time.NewTicker(keepInterval)
	defer tick.Stop()
	for {
		select {
		case <-s.over:
			return
		case <-tick.C:
		}
		if err := d.restore(s.conn); err != nil && !s.conn.IsClosed() {
			d.log.Warn("what was deleted on RabbitMQ cannot be declared again; trying again", zap.Error(err))
		}
	}
}

// restore declares everything, if an exchange is missing, or the operator may have made what our user may not.
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
		if err := admin.do(o.look); missing(err) {
			return d.declare(conn)
		} else if err != nil {
			return fmt.Errorf("look at %s: %w", o, err)
		}
	}
	return nil
}

// ensure makes o if it is missing. Once our user was refused, it looks before it asks: each refusal is an error in the
// broker's log, and a binding cannot be looked at.
func (d *declarer) ensure(s *adminChannel, o object) error {
	limited := d.mayNot.Load()
	if limited {
		if o.look == nil {
			return nil
		}
		if err := s.do(o.look); !missing(err) {
			return err
		}
	}
	err := s.do(o.declare)
	if !forbidden(err) {
		return err
	}
	if limited {
		return errLacking
	}
	d.mayNot.Store(true)
	return d.ensure(s, o)
}

// lacking names what is missing and is not ours to make.
func (d *declarer) lacking() (objects []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for object, words := range d.reported {
		if words == errLacking.Error() {
			objects = append(objects, object)
		}
	}
	slices.Sort(objects)
	return objects
}

// report logs the mismatches that are new and counts all.
func (d *declarer) report(found map[string]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for object, words := range found {
		switch {
		case d.reported[object] == words:
		case words == errLacking.Error():
			d.log.Warn("RabbitMQ lacks this, and this user may not make it: run `hookline topology apply` as the operator", zap.String("object", object))
		default:
			d.log.Warn("RabbitMQ has this otherwise than Hookline would declare it, and it is used as it is; see hookline topology plan",
				zap.String("object", object), zap.String("difference", words))
		}
	}
	d.reported = found
	d.metrics.mismatches.Set(float64(len(found)))
}

// errLacking says that an object does not exist, and that our user may not make it.
var errLacking = errors.New("missing, and this user may not make it")

// mismatch tells whether err says that an object exists otherwise, or may not be declared, and gives the broker's words.
func mismatch(err error) (words string, ok bool) {
	if errors.Is(err, errLacking) {
		return errLacking.Error(), true
	}
	var e *amqp.Error
	if errors.As(err, &e) && (e.Code == amqp.PreconditionFailed || e.Code == amqp.AccessRefused) {
		return e.Reason, true
	}
	return "", false
}

// forbidden tells whether err says that our user may not do this.
func forbidden(err error) bool {
	var e *amqp.Error
	return errors.As(err, &e) && e.Code == amqp.AccessRefused
}

// missing tells whether err says that an object does not exist.
func missing(err error) bool {
	var e *amqp.Error
	return errors.As(err, &e) && e.Code == amqp.NotFound
}

// object is one thing of a topology, and how it is declared.
type object struct {
	kind, name string
	declare    func(*amqp.Channel) error
	look       func(*amqp.Channel) error // passively; nil for a binding, which AMQP cannot look at
}

const exchange = "exchange" // a kind of object

func (o object) String() string { return o.kind + " " + o.name }

// objects lists a topology in the order in which it can be declared.
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
				_, err := ch.QueueDeclarePassive(q.Name, true, false, false, false, nil)
				return err
			},
		})
	}
	for _, b := range t.Bindings {
		list = append(list, object{kind: "binding", name: fmt.Sprintf("%s -> %s by %q", b.Exchange, b.Queue, b.Key),
			declare: func(ch *amqp.Channel) error { return ch.QueueBind(b.Queue, b.Key, b.Exchange, false, nil) },
		})
	}
	return list
}

// adminChannel is a channel that may be closed by what is asked on it: the broker's no closes the channel, and the next
// question opens another.
type adminChannel struct {
	conn *amqp.Connection
	ch   *amqp.Channel
}

func (s *adminChannel) do(ask func(*amqp.Channel) error) error {
	if s.ch == nil || s.ch.IsClosed() {
		ch, err := s.conn.Channel()
		if err != nil {
			return fmt.Errorf("open channel: %w", err)
		}
		s.ch = ch
	}
	return ask(s.ch)
}

// look asks for a queue, and makes none.
func (s *adminChannel) look(queue string) (found amqp.Queue, err error) {
	err = s.do(func(ch *amqp.Channel) error {
		found, err = ch.QueueDeclarePassive(queue, true, false, false, false, nil)
		return err
	})
	return found, err
}

func (s *adminChannel) close() {
	if s.ch != nil {
		_ = s.ch.Close() // it may be closed already
	}
}
