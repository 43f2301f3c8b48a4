package signature

import (
	"net/url"
	"strings"

	"github.com/hookline/hookline/pkg/jsonbody"
)

// firstRequest is a request that a sender sends before its first event, and does not sign.
type firstRequest struct {
	sender string
	is     func(r Request) bool
	advice string
}

// firstRequests is the table of senders whose first request carries no signature.
func firstRequests() []firstRequest {
	return []firstRequest{
		{"Notion", func(r Request) bool { return hasJSON(r.Body, "verification_token") },
			"Notion wants the value of verification_token back: copy it from the body into the form at Notion, and write it as the source's secret, because Notion signs with it."},
		{"WooCommerce", func(r Request) bool { return onlyField(r.Body, "webhook_id") },
			"WooCommerce asks whether somebody answers when a person saves the webhook. It brings no event. See that the webhook's status in WooCommerce is Active."},
		{"Microsoft Graph", func(r Request) bool { return r.Query.Has("validationToken") },
			"Microsoft Graph wants the value of validationToken back as text before it sends events. Hookline does not answer that: put a function in front that does."},
		{"Amazon SNS", func(r Request) bool {
			return r.Header.Get("X-Amz-Sns-Message-Type") == "SubscriptionConfirmation"
		}, "Amazon SNS wants somebody to open the address SubscribeURL in the body, after comparing its TopicArn. Hookline does not open addresses that strangers send."},
		{"Okta", func(r Request) bool { return r.Header.Get("X-Okta-Verification-Challenge") != "" },
			"Okta wants the value of X-Okta-Verification-Challenge back as JSON. Hookline does not answer that: put a function in front that does."},
		{"a sender of CloudEvents", func(r Request) bool { return r.Header.Get("Webhook-Request-Origin") != "" },
			"The sender asks by the abuse protection of CloudEvents. Hookline does not answer that: switch it off at the sender, or put a function in front that does."},
		{"Slack", func(r Request) bool { return jsonIs(r.Body, "type", "url_verification") },
			"Slack signs this request: see that nothing removes the headers X-Slack-Signature and X-Slack-Request-Timestamp on the way."},
		{"Zoom", func(r Request) bool { return jsonIs(r.Body, "event", "endpoint.url_validation") },
			"Zoom signs this request: see that nothing removes the headers x-zm-signature and x-zm-request-timestamp on the way."},
	}
}

func (d *diagnoser) firstRequest() bool {
	for _, f := range firstRequests() {
		if f.is(d.request) {
			d.check(true, "This is the first request of "+f.sender)
			return d.settle(FirstRequest, f.sender)
		}
	}
	return false
}

func unsignedAdvice(sender string) string {
	for _, f := range firstRequests() {
		if f.sender == sender {
			return f.advice
		}
	}
	return ""
}

func hasJSON(body []byte, path string) bool {
	text, ok := jsonbody.Text(body)
	return ok && jsonbody.Get(text, path).Str != ""
}

func jsonIs(body []byte, path, value string) bool {
	text, ok := jsonbody.Text(body)
	return ok && jsonbody.Get(text, path).Str == value
}

// onlyField reports whether a body is a form with this one field.
func onlyField(body []byte, name string) bool {
	if len(body) > 1024 || !strings.HasPrefix(string(body), name+"=") {
		return false
	}
	form, err := url.ParseQuery(string(body))
	return err == nil && len(form) == 1
}
