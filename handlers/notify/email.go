package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/setting"
)

// Email is an SMTP server that accepts e-mail for delivery.
type Email struct {
	// Host is the name of the SMTP server.
	Host string `yaml:"host" schema:"required"`
	// Port is the server's port. Default: 587, or 465 with tls: implicit.
	Port int `yaml:"port" schema:"minimum=1; maximum=65535"`
	// TLS is starttls, implicit, or none for a server on the same machine.
	TLS string `yaml:"tls" schema:"enum=starttls|implicit|none; default=starttls"`
	// User is the login; empty: no login.
	User string `yaml:"user"`
	// Password is the login's password.
	Password setting.Secret `yaml:"password"`
	// From is the sender: "Library <library@example.org>".
	From string `yaml:"from" schema:"required"`
	// To is a fixed address that gets each message. No person is looked up for it. Default: the person's preferred address.
	To string `yaml:"to"`
	// Subject is a template as text is. Default: the name of the job and its status, else the action.
	Subject string `yaml:"subject"`
}

// mailTimeout limits the connection with its login, and then the sending.
const mailTimeout = 10 * time.Second

// DefaultSubject is the default of Email.Subject.
const DefaultSubject = "{{with .data.job_instance}}{{.name}}: {{.status.desc}}{{else}}{{$.action}}{{end}}"

type emailSender struct {
	host    string
	options []mail.Option
	from    *netmail.Address
}

func (e Email) sender() (Sender, error) {
	if e == (Email{}) {
		return nil, nil
	}
	var errs []error
	if e.Host == "" {
		errs = append(errs, errors.New("email.host: is required; the name of an SMTP server"))
	}
	from, err := netmail.ParseAddress(e.From)
	if err != nil {
		errs = append(errs, errors.New("email.from: must be an address such as Library <library@example.org>"))
	}
	if e.To != "" {
		if _, err := netmail.ParseAddress(e.To); err != nil {
			errs = append(errs, errors.New("email.to: must be one address such as operators@example.org"))
		}
	}
	options, port := []mail.Option{mail.WithoutNoop(), mail.WithTimeout(mailTimeout)}, 587
	switch e.TLS {
	case "", "starttls":
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case "implicit":
		options, port = append(options, mail.WithSSL()), 465
	case "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		errs = append(errs, fmt.Errorf("email.tls %q: must be starttls, implicit or none", e.TLS))
	}
	if e.Port < 0 || e.Port > 65535 {
		errs = append(errs, fmt.Errorf("email.port %d: must be 1 to 65535", e.Port))
	}
	options = append(options, mail.WithPort(cmp.Or(e.Port, port)))
	if e.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(e.User), mail.WithPassword(string(e.Password)))
	}
	return emailSender{e.Host, options, from}, errors.Join(errs...)
}

// Send returns when the server has accepted the message. The Message-ID is the same for the same event.
func (e emailSender) Send(ctx context.Context, m Message) error {
	message := mail.NewMsg(mail.WithNoDefaultUserAgent())
	message.FromMailAddress(e.from)
	if err := message.To(m.To); err != nil {
		return handler.Permanent(errors.New("the user's e-mail address cannot be read"))
	}
	message.Subject(m.Subject)
	_, domain, _ := strings.Cut(e.from.Address, "@")
	message.SetMessageIDWithValue(m.Key + "@" + domain)
	message.SetDate()
	message.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office replies
	message.SetBodyString(mail.TypeTextPlain, m.Text)

	client, err := mail.NewClient(e.host, e.options...)
	if err != nil {
		return fmt.Errorf("%s: %w", e.host, err)
	}
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("%s: %w", e.host, err)
	}
	err = await(ctx, func() error {
		err := client.Send(message)
		_ = client.Close() // the server has answered already
		return classifySMTP(err, message.IsDelivered())
	})
	if err != nil {
		return fmt.Errorf("%s: %w", e.host, err)
	}
	return nil
}

// classifySMTP turns an SMTP error into an error of Sender.Send. It leaves out the server's text, which quotes the address.
func classifySMTP(err error, delivered bool) error {
	var smtp *mail.SendError
	if err == nil || delivered {
		return nil
	}
	if !errors.As(err, &smtp) {
		return fmt.Errorf("%w: the connection broke", errMaybe)
	}
	answer := fmt.Errorf("%s, code %d %s", smtp.Reason, smtp.ErrorCode(), smtp.EnhancedStatusCode())
	switch {
	case smtp.Reason == mail.ErrSMTPDataClose && smtp.ErrorCode() == 0:
		return fmt.Errorf("%w: the answer to the whole message was lost", errMaybe)
	case smtp.ErrorCode() >= 500:
		return handler.Permanent(answer)
	}
	return answer
}
