package receiver

import (
	"cmp"
	"time"

	"github.com/hookline/hookline/pkg/signature"
)

// preset is one row of the table of senders. Package signature has the sender's signature under the same name.
type preset struct {
	name      string
	handshake string
	deadline  time.Duration
	whenDown  string
	maxBody   int64
	event     Extract
	keep      []string
}

// presets returns the table of senders. A deadline is the one that the sender documents. Stripe's deadline is assumed.
// 0 means the default. The events of Meta and Zoom lack an ID, so their ID is the hash of the body.
//
// An ID is "unique:" where the sender documents that it is of the message. GitLab's event UUID is shared by the webhooks of one event,
// and Shopify's event ID by the subscriptions to it. Alma documents nothing: the ID of job_end is that of the job, which ends once,
// and the other IDs that were seen are numbers of their own. Alma may order the keys of a repeat otherwise, and alma/reconcile
// sends an end in other bytes, so that a body says less there than an ID.
//
// whenDown is Refuse for senders that are known to repeat for hours, so that their events are independent of the disk of
// one machine: Alma repeats after 1, 3 and 6 hours, Stripe for days. The events of all others are spooled. GitHub and GitLab never
// repeat, Bitbucket repeats only at once, Dropbox for 10 minutes, Slack three times, Zoom for an hour and a half, and
// Shopify for 4 hours, after which it ends the subscription. The repeats of Meta and of senders of Standard Webhooks depend
// on the product.
func presets() []preset {
	return []preset{
		{name: "alma", handshake: ChallengeJSON, deadline: 5 * time.Second, whenDown: Refuse,
			event: Extract{ID: []string{"unique:json:id", "unique:xml:id"}, Action: []string{"json:action", "xml:action"}, Event: []string{"json:event.value", "xml:event"}},
			keep:  []string{"Hookline-Reconciled"}}, // header of events that alma/reconcile sends instead of Alma

		{name: "github", deadline: 10 * time.Second, maxBody: 25 << 20,
			event: Extract{ID: []string{"unique:header:X-GitHub-Delivery"}, Action: []string{"header:X-GitHub-Event"}, Event: []string{"json:action", "form-json:payload:action"}},
			keep:  []string{"X-GitHub-Event", "X-GitHub-Delivery", "X-GitHub-Hook-ID"}},

		{name: "stripe", deadline: 10 * time.Second, whenDown: Refuse,
			event: Extract{ID: []string{"unique:json:id"}, Action: []string{"json:type"}, Split: "."}},

		{name: "slack", handshake: SlackURL, deadline: 3 * time.Second,
			event: Extract{ID: []string{"unique:json:event_id", "unique:form:trigger_id", "unique:form-json:payload:trigger_id"},
				Action: []string{"json:type", "form:command", "form-json:payload:type"}, Event: []string{"json:event.type"}, Split: "/"},
			keep: []string{"X-Slack-Retry-Num", "X-Slack-Retry-Reason"}},

		{name: "shopify", deadline: 5 * time.Second,
			event: Extract{ID: []string{"unique:header:X-Shopify-Webhook-Id", "header:X-Shopify-Event-Id"}, Action: []string{"header:X-Shopify-Topic"}, Split: "/"},
			keep:  []string{"X-Shopify-Topic", "X-Shopify-Shop-Domain", "X-Shopify-API-Version", "X-Shopify-Triggered-At"}},

		{name: "standard-webhooks",
			event: Extract{ID: []string{"unique:header:Webhook-Id"}, Action: []string{"json:type"}, Split: "."},
			keep:  []string{"Webhook-Id", "Webhook-Timestamp"}},

		{name: "gitlab", deadline: 10 * time.Second,
			event: Extract{ID: []string{"unique:header:Idempotency-Key", "header:X-Gitlab-Event-UUID"},
				Action: []string{"json:object_kind", "json:event_name", "header:X-Gitlab-Event"}, Event: []string{"json:object_attributes.action"}},
			keep: []string{"X-Gitlab-Event", "X-Gitlab-Instance"}},

		{name: "bitbucket", deadline: 10 * time.Second,
			event: Extract{ID: []string{"unique:header:X-Request-UUID", "unique:header:X-Request-Id"}, Action: []string{"header:X-Event-Key"}, Split: ":"},
			keep:  []string{"X-Event-Key", "X-Hook-UUID", "X-Attempt-Number"}},

		{name: "meta", handshake: Hub,
			event: Extract{Action: []string{"json:object"}}},

		{name: "dropbox", handshake: ChallengeText,
			event: Extract{ID: []string{"new"}, Action: []string{"word:changed"}}},

		{name: "zoom", handshake: ZoomURL, deadline: 3 * time.Second,
			event: Extract{Action: []string{"json:event"}, Split: "."}},

		{name: "token", event: anyEvent()},
		{name: "basic", event: anyEvent()},
	}
}

// anyEvent lists the usual places of unknown senders: CloudEvents, Standard Webhooks, plain JSON, XML or form.
func anyEvent() Extract {
	return Extract{
		ID:     []string{"unique:header:Ce-Source + header:Ce-Id", "header:Ce-Id", "unique:header:Webhook-Id", "unique:header:Idempotency-Key", "json:id", "xml:id", "form:id"},
		Action: []string{"header:Ce-Type", "json:action", "json:type", "json:event", "xml:action", "xml:type", "form:action"},
		Split:  ".",
	}
}

// Preset returns the source of a known sender and leaves out the secrets. signature.Presets lists the names. Every field can be
// changed. A source with the handshake Hub (meta) also needs a VerifyToken.
func Preset(name string) (Source, bool) {
	scheme, ok := signature.Preset(name)
	if !ok {
		return Source{}, false
	}
	for _, p := range presets() {
		if p.name == name {
			usual := Defaults()
			return Source{Verify: scheme, Handshake: Handshake{Kind: p.handshake}, Event: p.event, KeepHeaders: p.keep,
				Deadline: cmp.Or(p.deadline, usual.Deadline), WhenDown: cmp.Or(p.whenDown, usual.WhenDown), MaxBody: cmp.Or(p.maxBody, usual.MaxBody)}, true
		}
	}
	return Source{}, false
}
