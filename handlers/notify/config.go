package notify

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.uber.org/zap"

	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/jsonbody"
	"github.com/hookline/hookline/pkg/text"
)

// Config notifies a person: by text message, else by e-mail, else at a URL.
type Config struct {
	// Alma is the institution of the persons, by its name under alma; needed if there are several.
	Alma string `yaml:"alma"`
	// User is a template that makes the person's ID from an event. The default is the person who started the job.
	User string `yaml:"user"`
	// Text is a template that makes the message: {{.data.job_instance.name}}. Beside .data, the event's JSON body, it has .id, .source,
	// .action, .route, .time, and .user with .primary_id, .first_name, .last_name and .language. A missing field is empty. A text of more than
	// 1600 characters is cut.
	Text string `yaml:"text" schema:"required"`
	// SMS sends to the person's phone for text messages. One of twilio, sns and http.
	SMS SMS `yaml:"sms"`
	// Email sends to email.to, or without it to the person's preferred address, if sms cannot reach the person.
	Email Email `yaml:"email"`
	// URL receives the message if neither sms nor email reaches a person: teams+https://... of a workflow in Teams, or a URL of shoutrrr
	// (https://shoutrrr.nickfedor.com), such as slack://hook:A-B-C@webhook, discord://TOKEN@ID, generic+https://host/path.
	URL string `yaml:"url"`
	// Subject is a template as text is: the title at url, where the service has one. An smtp URL has the same default as email.subject.
	Subject string `yaml:"subject"`
	// Sent is a folder that remembers the sent messages for 30 days, so that no message is sent twice. It must last, and all workers of the
	// route must share it. Without it, a message can be sent twice.
	Sent string `yaml:"sent"`
	// Decoding bounds the memory of the values that the templates read; nil: no bound.
	Decoding *jsonbody.Budget `yaml:"-"`
}

// Defaults returns a Config without a text and a service.
func Defaults() Config { return Config{User: "{{.data.job_instance.submitted_by.value}}"} }

// SMS is one service for text messages, at most one of them.
type SMS struct {
	// Twilio is the service of twilio.com.
	Twilio *Twilio `yaml:"twilio"`
	// SNS is Amazon's service.
	SNS *SNS `yaml:"sns"`
	// HTTP is any service that takes text messages over HTTP.
	HTTP *HTTP `yaml:"http"`
	// Country is the calling code of phone numbers without one: "49". Empty: such numbers are not used.
	Country string `yaml:"country"`
}

// country is a calling code of E.164.
var country = regexp.MustCompile(`^([1-9][0-9]{0,2})?$`)

// NeedsPeople reports whether messages go to persons, who have to be looked up.
func (c Config) NeedsPeople() bool {
	return c.SMS.Twilio != nil || c.SMS.SNS != nil || c.SMS.HTTP != nil || c.Email != (Email{}) && c.Email.To == ""
}

// title returns the template of the title at the URL. Only an e-mail needs one.
func (c Config) title() string {
	if strings.HasPrefix(c.URL, "smtp://") {
		return cmp.Or(c.Subject, DefaultSubject)
	}
	return c.Subject
}

// New checks cfg. It does no I/O. People may be nil unless cfg.NeedsPeople.
func New(cfg Config, people People, m *Metrics, log *zap.Logger) (handler.Handler, error) {
	n := &notifier{metrics: m, log: log, country: cfg.SMS.Country, decoding: cfg.Decoding}
	var errs []error
	check := func(err error) { errs = append(errs, err) }

	if cfg.User == "" {
		cfg.User = Defaults().User
	}
	if cfg.Text == "" {
		check(errors.New("text: is required; a template such as '{{.data.job_instance.name}} has ended'"))
	}
	var err error
	n.user, err = text.New("user", cfg.User)
	check(err)
	n.text, err = text.New("text", cfg.Text)
	check(err)
	n.subject, err = text.New("email.subject", cmp.Or(cfg.Email.Subject, cfg.Subject, DefaultSubject))
	check(err)
	n.title, err = text.New("subject", cfg.title())
	check(err)
	n.emailTo = cfg.Email.To
	if !country.MatchString(cfg.SMS.Country) {
		check(fmt.Errorf("sms.country %q: must be a calling code such as 49, without + or 00", cfg.SMS.Country))
	}
	n.smsName, n.sms, err = cfg.SMS.sender()
	check(err)
	n.email, err = cfg.Email.sender()
	check(err)
	n.url, err = newURL(cfg.URL)
	check(err)
	if cfg.Sent != "" {
		n.sent = &sentStore{dir: cfg.Sent}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for service, sender := range map[string]Sender{n.smsName: n.sms, serviceEmail: n.email, serviceURL: n.url} {
		if sender != nil {
			m.prepare(service)
		}
	}
	if n.sms == nil && n.email == nil && n.url == nil {
		return nil, errors.New("sms, email, url: at least one is needed")
	}
	if cfg.NeedsPeople() {
		n.people = people
	}
	return n, nil
}

// sender returns the configured service and its name.
func (s SMS) sender() (name string, sender Sender, err error) {
	var found []string
	if s.Twilio != nil {
		found, name = append(found, "twilio"), "twilio"
		sender, err = s.Twilio.sender()
	}
	if s.SNS != nil {
		found, name = append(found, "sns"), "sns"
		sender, err = s.SNS.sender()
	}
	if s.HTTP != nil {
		found, name = append(found, "http"), "http"
		sender, err = s.HTTP.sender()
	}
	if len(found) > 1 {
		return "", nil, fmt.Errorf("sms: keep one of %v", found)
	}
	return name, sender, err
}
