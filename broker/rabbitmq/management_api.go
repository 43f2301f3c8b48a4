package rabbitmq

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// managementTime bounds a request to the management API.
const managementTime = 5 * time.Second

// managementAPI asks RabbitMQ's management API for what AMQP cannot tell.
type managementAPI struct {
	base   *url.URL
	vhost  string
	client *http.Client
}

// newManagementAPI returns nil without a URL.
func newManagementAPI(cfg Config) *managementAPI {
	base, err := url.Parse(cfg.Management)
	if cfg.Management == "" || err != nil {
		return nil
	}
	first, err := amqp.ParseURI(cfg.URLs[0])
	if err != nil {
		return nil
	}
	transport := &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment}
	if cfg.TLS != nil {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.TLS.RootCAs}
	}
	return &managementAPI{base: base, vhost: first.Vhost, client: &http.Client{Transport: transport, Timeout: managementTime}}
}

// apiBinding is a binding of an exchange.
type apiBinding struct {
	Destination string `json:"destination"`
	Key         string `json:"routing_key"`
}

// bindings returns the bindings from an exchange to queues and exchanges.
func (m *managementAPI) bindings(ctx context.Context, exchange string) (list []apiBinding, err error) {
	err = m.get(ctx, &list, nil, "exchanges", m.vhost, exchange, "bindings", "source")
	return list, err
}

// apiQueue is a quorum queue or a stream. RabbitMQ renews what it says of a queue every few seconds.
type apiQueue struct {
	Name           string   `json:"name"`
	Type           string   `json:"type"`
	Members        []string `json:"members"` // nodes
	Arguments      settings `json:"arguments"`
	Policy         string   `json:"policy"` // the one that RabbitMQ applies; it passes over one with a key that the type of queue does not know
	OperatorPolicy string   `json:"operator_policy"`
	Definition     settings `json:"effective_policy_definition"` // of both policies
}

// settings are a policy's definition, or the arguments of a queue.
type settings map[string]any

// UnmarshalJSON reads an empty list as no settings, because Erlang cannot tell them apart.
func (s *settings) UnmarshalJSON(text []byte) error {
	if string(text) == "[]" {
		return nil
	}
	return json.Unmarshal(text, (*map[string]any)(s))
}

// queues returns the queues of the virtual host.
func (m *managementAPI) queues(ctx context.Context) (list []apiQueue, err error) {
	columns := url.Values{"columns": {"name,type,members,arguments,policy,operator_policy,effective_policy_definition"}}
	err = m.get(ctx, &list, columns, "queues", m.vhost)
	return list, err
}

// runningNodes returns the names of the nodes that run, sorted.
func (m *managementAPI) runningNodes(ctx context.Context) (names []string, err error) {
	var nodes []struct {
		Name    string `json:"name"`
		Running bool   `json:"running"`
	}
	err = m.get(ctx, &nodes, url.Values{"columns": {"name,running"}}, "nodes")
	for _, n := range nodes {
		if n.Running {
			names = append(names, n.Name)
		}
	}
	slices.Sort(names)
	return names, err
}

// get reads the JSON at a path of the API. Its error contains no URL, because that holds a password.
func (m *managementAPI) get(ctx context.Context, into any, query url.Values, path ...string) error {
	for i, part := range path {
		path[i] = url.PathEscape(part)
	}
	base := *m.base
	base.User = nil
	address := strings.TrimSuffix(base.String(), "/") + "/api/" + strings.Join(path, "/") + "?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("rabbitmq: management API: %w", err)
	}
	password, _ := m.base.User.Password()
	request.SetBasicAuth(m.base.User.Username(), password)
	answer, err := m.client.Do(request)
	if err != nil {
		return fmt.Errorf("rabbitmq: management API: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("rabbitmq: management API: %s answers %s; %s", m.base.Host, answer.Status, statusStep(answer.StatusCode))
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, answer.Body, 16<<20)).Decode(into); err != nil {
		return fmt.Errorf("rabbitmq: management API: %w", err)
	}
	return nil
}

// statusStep returns the next step after an HTTP status of the management API.
func statusStep(status int) string {
	switch status {
	case http.StatusUnauthorized: // RabbitMQ answers so also to a user without any tag
		return "correct user and password in broker.management; the user needs the tag monitoring"
	case http.StatusForbidden:
		return "give its user the tag monitoring"
	case http.StatusNotFound:
		return "correct the address in broker.management, or the virtual host in broker.url"
	}
	return "look at RabbitMQ's log"
}
