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
	"strings"
)

// Broker is a running RabbitMQ with its management plugin.
type Broker struct {
	URL string // amqp://user:password@host:port/
	API string // http://user:password@host:port
}

// AddVhost makes a virtual host with a random name and returns its amqp URL and its name.
func (b *Broker) AddVhost(ctx context.Context) (amqpURL, name string, err error) {
	base, err := url.Parse(b.URL)
	if err != nil {
		return "", "", fmt.Errorf("rabbitnode: %s is not an amqp URL", EnvAMQP)
	}
	name = "test-" + strings.ToLower(rand.Text()[:10])
	add := func() error { return b.call(ctx, http.MethodPut, "/api/vhosts/"+name, struct{}{}, nil) }
	if err := add(); err != nil && add() != nil { // nodes that have just come together may need longer than RabbitMQ waits for them
		return "", "", err
	}
	if err := b.Permit(ctx, name, base.User.Username()); err != nil {
		return "", "", err
	}
	base.Path = "/" + name
	return base.String(), name, nil
}

// DeleteVhost removes a virtual host and everything in it; its connections are closed.
func (b *Broker) DeleteVhost(ctx context.Context, name string) error {
	return b.call(ctx, http.MethodDelete, "/api/vhosts/"+name, nil, nil)
}

// Import takes definitions (users, permissions and so on) in RabbitMQ's JSON form.
func (b *Broker) Import(ctx context.Context, definitions []byte) error {
	return b.call(ctx, http.MethodPost, "/api/definitions", json.RawMessage(definitions), nil)
}

// Connection is an AMQP connection as the broker sees it.
type Connection struct {
	ID         string         `json:"name"` // "127.0.0.1:40000 -> 127.0.0.1:5672"
	Properties map[string]any `json:"client_properties"`
}

// Connections lists the connections to the virtual host that amqpURL names. The broker shows a new connection with a
// short delay.
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

// CloseConnections closes every connection to the virtual host that amqpURL names and returns how many it closed.
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

// call makes one request to the management API. What is gone already is no error.
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
	request.Close = true // no idle connection outlives the call, so that goleak has nothing to find
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
