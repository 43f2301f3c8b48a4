package rabbitnode

import (
	"context"
	"net/http"
	"net/url"

	amqp "github.com/rabbitmq/amqp091-go"
)

// SetUser makes a user, or gives it another password. Connections that are open stay.
func (b *Broker) SetUser(ctx context.Context, name, password string) error {
	return b.call(ctx, http.MethodPut, "/api/users/"+url.PathEscape(name), map[string]string{"password": password, "tags": ""}, nil)
}

// Permit lets a user do everything in a virtual host.
func (b *Broker) Permit(ctx context.Context, vhost, user string) error {
	all := map[string]string{"configure": ".*", "write": ".*", "read": ".*"}
	return b.call(ctx, http.MethodPut, "/api/permissions/"+url.PathEscape(vhost)+"/"+url.PathEscape(user), all, nil)
}

// SetPolicy lays a definition over all queues of a virtual host whose name matches pattern.
func (b *Broker) SetPolicy(ctx context.Context, vhost, name, pattern string, definition map[string]any) error {
	policy := map[string]any{"pattern": pattern, "definition": definition, "apply-to": "queues"}
	return b.call(ctx, http.MethodPut, "/api/policies/"+url.PathEscape(vhost)+"/"+url.PathEscape(name), policy, nil)
}

// DeletePolicy takes a policy away.
func (b *Broker) DeletePolicy(ctx context.Context, vhost, name string) error {
	return b.call(ctx, http.MethodDelete, "/api/policies/"+url.PathEscape(vhost)+"/"+url.PathEscape(name), nil, nil)
}

// DeleteQueue deletes a queue with everything in it.
func (b *Broker) DeleteQueue(ctx context.Context, vhost, name string) error {
	return b.call(ctx, http.MethodDelete, "/api/queues/"+url.PathEscape(vhost)+"/"+url.PathEscape(name), nil, nil)
}

// DeleteExchange deletes an exchange and its bindings.
func (b *Broker) DeleteExchange(ctx context.Context, vhost, name string) error {
	return b.call(ctx, http.MethodDelete, "/api/exchanges/"+url.PathEscape(vhost)+"/"+url.PathEscape(name), nil, nil)
}

// Consumers is how many consumers a queue has now. It is an error if the queue does not exist.
func (b *Broker) Consumers(vhost, queue string) (int, error) {
	q, err := b.look(vhost, queue)
	return q.Consumers, err
}

// Messages is how many messages wait in a queue now, without those that consumers have in hand. It is an error if the
// queue does not exist.
func (b *Broker) Messages(vhost, queue string) (int, error) {
	q, err := b.look(vhost, queue)
	return q.Messages, err
}

func (b *Broker) look(vhost, queue string) (amqp.Queue, error) {
	conn, err := amqp.DialConfig(b.URL, amqp.Config{Vhost: vhost})
	if err != nil {
		return amqp.Queue{}, err
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		return amqp.Queue{}, err
	}
	return ch.QueueDeclarePassive(queue, true, false, false, false, nil)
}

// About is what the broker says of itself.
type About struct {
	Version string `json:"rabbitmq_version"`
	Node    string `json:"node"`
	PID     int    `json:"-"` // of the node's process
}

// About asks the broker for its version and the number of its process.
func (b *Broker) About(ctx context.Context) (About, error) {
	var about About
	if err := b.call(ctx, http.MethodGet, "/api/overview", nil, &about); err != nil {
		return about, err
	}
	var node struct {
		PID int `json:"os_pid,string"`
	}
	err := b.call(ctx, http.MethodGet, "/api/nodes/"+url.PathEscape(about.Node), nil, &node)
	about.PID = node.PID
	return about, err
}
