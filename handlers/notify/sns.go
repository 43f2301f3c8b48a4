package notify

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/hookline/hookline/pkg/setting"
)

// SNS sends text messages by Amazon SNS (docs.aws.amazon.com/sns/latest/api/API_Publish.html). The key's user needs the permission
// sns:Publish.
type SNS struct {
	// Region is the name of the AWS region: eu-central-1.
	Region string `yaml:"region" schema:"required"`
	// Key is an access key: AKIA...
	Key string `yaml:"key"`
	// Secret is the access key's secret.
	Secret setting.Secret `yaml:"secret"`
	// Sender is the name or number that the message comes from, where the country allows one.
	Sender string `yaml:"sender"`
	// URL is the service's address. Default: that of the region.
	URL string `yaml:"url"`
}

var awsRegion = regexp.MustCompile(`^[a-z0-9-]{4,32}$`)

type sns struct {
	SNS
	client *http.Client
	sign   awsSigner
}

func (s SNS) sender() (Sender, error) {
	var errs []error
	if !awsRegion.MatchString(s.Region) {
		errs = append(errs, errors.New("sms.sns.region: must be the name of a region such as eu-central-1"))
	}
	s.URL = strings.TrimRight(cmp.Or(s.URL, "https://sns."+s.Region+".amazonaws.com"), "/") + "/"
	errs = append(errs, checkURL("sms.sns.url", s.URL))
	if s.Key == "" || s.Secret == "" {
		errs = append(errs, errors.New("sms.sns: key and secret are required"))
	}
	return sns{s, newClient(), awsSigner{s.Region, "sns", s.Key, string(s.Secret)}}, errors.Join(errs...)
}

// Send publishes the message to a phone number.
func (s sns) Send(ctx context.Context, m Message) error {
	form := url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "PhoneNumber": {m.To}, "Message": {m.Text}}
	attributes := []string{"AWS.SNS.SMS.SMSType", "Transactional"}
	if s.Sender != "" {
		attributes = append(attributes, "AWS.SNS.SMS.SenderID", s.Sender)
	}
	for i := 0; i < len(attributes); i += 2 {
		entry := "MessageAttributes.entry." + string(rune('1'+i/2))
		form.Set(entry+".Name", attributes[i])
		form.Set(entry+".Value.DataType", "String")
		form.Set(entry+".Value.StringValue", attributes[i+1])
	}
	header := http.Header{"Content-Type": {formType}}
	body := form.Encode()
	s.sign.sign(header, s.URL, body, time.Now())
	return post(ctx, s.client, s.URL, header, body)
}
