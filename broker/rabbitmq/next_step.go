package rabbitmq

import (
	"crypto/tls"
	"errors"
	"net"
	"syscall"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
)

// isRefusedConnection reports whether a try to connect was refused at once: nothing listens, the host's name is unknown, or RabbitMQ
// refuses the user or the virtual host. A later try has little hope, unless RabbitMQ starts.
func isRefusedConnection(err error) bool {
	var host *net.DNSError
	return errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &host) && host.IsNotFound ||
		errors.Is(err, amqp.ErrCredentials) || forbidden(err) || hasCode(err, amqp.NotAllowed)
}

// NextStep returns the next step of a person after an error of this package, or "" if there is none to name.
func NextStep(err error) string {
	var host *net.DNSError
	var untrusted *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.Is(err, broker.ErrBlocked):
		return "RabbitMQ has a memory or disk alarm, which `rabbitmq-diagnostics alarms` names: free memory or disk space there, then run the command again"
	case errors.Is(err, broker.ErrUnknown):
		return "look at RabbitMQ's log, then run the command again"
	case !errors.Is(err, broker.ErrDown), errors.Is(err, errConnecting): // the first try has no result yet
		return ""
	case errors.Is(err, amqp.ErrCredentials):
		return "correct user and password in broker.url"
	case forbidden(err), hasCode(err, amqp.NotAllowed):
		return "make the virtual host of broker.url, or give the user permissions there: `rabbitmqctl list_permissions -p VHOST`"
	case errors.As(err, &host):
		return "correct the host name in broker.url"
	case errors.As(err, &untrusted):
		return "correct broker.tls, or RabbitMQ's certificate"
	case errors.As(err, &network) && network.Timeout():
		return "look at `rabbitmq-diagnostics status` on its machine; start RabbitMQ, or correct broker.url; a firewall may drop the packets"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: look at `rabbitmq-diagnostics status` on its machine; start RabbitMQ, or correct broker.url"
	}
	return "look at RabbitMQ's log and `rabbitmq-diagnostics status`; start RabbitMQ, or correct broker.url"
}
