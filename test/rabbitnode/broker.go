package rabbitnode

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Broker is a running RabbitMQ with its management plugin.
type Broker struct {
	URL string // amqp://user:password@host:port/
	API string // http://user:password@host:port
}

// AddVhost adds a virtual host with a random name and returns its amqp URL and its name.
func (b *Broker) AddVhost(ctx context.Context) (amqpURL, name string, err error) {
	base, err := url.Parse(b.URL)
	if err != nil {
		return "", "", fmt.Errorf("rabbitnode: %s is not an amqp URL", EnvAMQP)
	}
	name = "test-" + strings.ToLower(rand.Text()[:10])
	add := func() error { return b.call(ctx, http.MethodPut, "/api/vhosts/"+name, struct{}{}, nil) }
	if err := add(); err != nil && add() != nil { // the nodes of a new cluster may need longer than RabbitMQ waits for them
		return "", "", err
	}
	if err := b.Permit(ctx, name, base.User.Username()); err != nil {
		return "", "", err
	}
	base.Path = "/" + name
	return base.String(), name, nil
}

// DeleteVhost deletes a virtual host with everything in it, and closes its connections.
func (b *Broker) DeleteVhost(ctx context.Context, name string) error {
	return b.call(ctx, http.MethodDelete, "/api/vhosts/"+name, nil, nil)
}

// Import imports definitions (users, permissions and so on) in RabbitMQ's JSON form.
func (b *Broker) Import(ctx context.Context, definitions []byte) error {
	return b.call(ctx, http.MethodPost, "/api/definitions", json.RawMessage(definitions), nil)
}

// Connection is an AMQP connection in the management API.
type Connection struct {
	ID         string         `json:"name"` // "127.0.0.1:40000 -> 127.0.0.1:5672"
	Properties map[string]any `json:"client_properties"`
}

// Connections lists the connections to the virtual host of amqpURL. A new connection appears after a short delay.
func (b *Broker) Connections(ctx context.Context, amqpURL string) ([]Connection, error) {
	u, err := url.Parse(amqpURL)
	if err != nil {
		return nil, fmt.Errorf("rabbitnode: not an amqp URL: %w", err)
	}
	vhost := strings.TrimPrefix(u.Path, "/")
	if vhost == "" {
		vhost = "/"
	}
	var list []Connection
	err = b.call(ctx, http.MethodGet, "/api/vhosts/"+url.PathEscape(vhost)+"/connections", nil, &list)
	return list, err
}

// CloseConnections closes all connections to the virtual host of amqpURL and returns how many it closed.
func (b *Broker) CloseConnections(ctx context.Context, amqpURL string) (int, error) {
	list, err := b.Connections(ctx, amqpURL)
	if err != nil {
		return 0, err
	}
	for _, c := range list {
		if err := b.call(ctx, http.MethodDelete, "/api/connections/"+url.PathEscape(c.ID), nil, nil); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// SetUser adds a user, or changes its password. Open connections stay open.
func (b *Broker) SetUser(ctx context.Context, name, password string) error {
	return b.call(ctx, http.MethodPut, "/api/users/"+url.PathEscape(name), map[string]string{"password": password, "tags": ""}, nil)
}

// Permit gives a user all permissions in a virtual host.
func (b *Broker) Permit(ctx context.Context, vhost, user string) error {
	all := map[string]string{"configure": ".*", "write": ".*", "read": ".*"}
	return b.call(ctx, http.MethodPut, "/api/permissions/"+url.PathEscape(vhost)+"/"+url.PathEscape(user), all, nil)
}

// LimitPolicy is the name of the policy of LimitQueue.
const LimitPolicy = "short"

// VhostOf returns the virtual host of an AMQP address.
func VhostOf(address string) string {
	_, vhost, _ := strings.Cut(strings.TrimPrefix(address, "amqp://"), "/")
	return vhost
}

// SetPolicy applies a definition to all queues of a virtual host whose names match pattern.
func (b *Broker) SetPolicy(ctx context.Context, vhost, name, pattern string, definition map[string]any) error {
	policy := map[string]any{"pattern": pattern, "definition": definition, "apply-to": "queues"}
	return b.call(ctx, http.MethodPut, "/api/policies/"+url.PathEscape(vhost)+"/"+url.PathEscape(name), policy, nil)
}

// LimitQueue sets the most messages of a queue by the policy LimitPolicy.
func (b *Broker) LimitQueue(ctx context.Context, vhost, queue string, most int) error {
	return b.SetPolicy(ctx, vhost, LimitPolicy, "^"+regexp.QuoteMeta(queue)+"$", map[string]any{"max-length": most})
}

// DeletePolicy deletes a policy.
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

// Consumers returns how many consumers a queue has now, or an error if the queue does not exist.
func (b *Broker) Consumers(vhost, queue string) (int, error) {
	q, err := b.inspectQueue(vhost, queue)
	return q.Consumers, err
}

// Messages returns how many messages of a queue are ready now, or an error if the queue does not exist. Unacknowledged
// messages do not count.
func (b *Broker) Messages(vhost, queue string) (int, error) {
	q, err := b.inspectQueue(vhost, queue)
	return q.Messages, err
}

func (b *Broker) inspectQueue(vhost, queue string) (amqp.Queue, error) {
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

// Binding is a binding of an exchange in the management API.
type Binding struct {
	Queue string `json:"destination"`
	Key   string `json:"routing_key"`
}

// Bindings lists the bindings from an exchange of a virtual host to queues.
func (b *Broker) Bindings(ctx context.Context, vhost, exchange string) (list []Binding, err error) {
	err = b.call(ctx, http.MethodGet, "/api/exchanges/"+url.PathEscape(vhost)+"/"+url.PathEscape(exchange)+"/bindings/source", nil, &list)
	return list, err
}

// About describes the broker.
type About struct {
	Version string `json:"rabbitmq_version"`
	Node    string `json:"node"`
	PID     int    `json:"-"` // of the node
}

// About asks the broker for its version, its node and the process ID of the node.
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

// call makes one request to the management API. Deleting a missing object succeeds.
func (b *Broker) call(ctx context.Context, method, path string, in, out any) error {
	base, err := url.Parse(b.API)
	if err != nil {
		return fmt.Errorf("rabbitnode: %s is not an http URL", EnvAPI)
	}
	user := base.User
	base.User = nil
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(base.String(), "/")+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	password, _ := user.Password()
	request.SetBasicAuth(user.Username(), password)
	request.Header.Set("Content-Type", "application/json")
	request.Close = true // no idle connection outlives the call; goleak would report it
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return err
	case response.StatusCode == http.StatusNotFound && method == http.MethodDelete:
		return nil
	case response.StatusCode >= http.StatusBadRequest:
		return fmt.Errorf("rabbitnode: %s %s: %s: %s", method, path, response.Status, answer)
	case out == nil:
		return nil
	}
	return json.Unmarshal(answer, out)
}
