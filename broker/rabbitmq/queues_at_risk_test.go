package rabbitmq

import (
	"strings"
	"testing"

	"github.com/hookline/hookline/broker"
)

func TestFewMembersSayWhichNodesToAdd(t *testing.T) {
	t.Parallel()
	three, five := []string{"r@a", "r@b", "r@c"}, []string{"r@a", "r@b", "r@c", "r@d", "r@e"}
	for name, c := range map[string]struct {
		queue apiQueue
		nodes []string
		vhost string
		want  string // part of the advice; empty: no advice
	}{
		"a single node":            {apiQueue{Type: "quorum", Members: three[:1]}, three[:1], "/", ""},
		"two of two":               {apiQueue{Type: "quorum", Members: three[:2]}, three[:2], "/", ""},
		"one of two":               {apiQueue{Type: "quorum", Members: three[1:2]}, three[:2], "/", "has 1 of 2 members"},
		"a node that is down":      {apiQueue{Type: "quorum", Members: three}, three[:2], "/", ""},
		"three of five are enough": {apiQueue{Type: "quorum", Members: three}, five, "/", ""},
		"one of five": {apiQueue{Type: "quorum", Members: five[1:2]}, five, "/",
			"has 1 of 3 members, and a lost node takes its events along: run `rabbitmq-queues grow NODE all --queue-pattern ^hookline` with r@a and with r@c"},
		"a virtual host": {apiQueue{Type: "quorum", Members: three[:2]}, three, "v",
			"`rabbitmq-queues grow NODE all --vhost-pattern '^v$' --queue-pattern ^hookline` with r@c"},
		"a stream":                          {apiQueue{Name: LedgerStream, Type: "stream", Members: three[:2]}, three, "v", "`rabbitmq-streams add_replica --vhost 'v' hookline.ledger NODE` with r@c"},
		"signs of a pattern and of a shell": {apiQueue{Type: "quorum", Members: three[:2]}, three, "it's a.b", `--vhost-pattern '^it'\''s a\.b$' ` + "--queue-pattern"},
		"signs of a shell":                  {apiQueue{Name: LedgerStream, Type: "stream", Members: three[:2]}, three, "a;b c", "--vhost 'a;b c' hookline.ledger"},
		"a classic queue":                   {apiQueue{Type: "classic"}, three, "/", ""},
		"no member is known yet":            {apiQueue{Type: "quorum"}, three, "/", ""},
	} {
		if got := fewMembers(c.queue, c.nodes, c.vhost); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// RabbitMQ 3.10 and 4.0 lost events in exactly the cases with a name of a key.
func TestOnlyPoliciesThatLoseAreNamed(t *testing.T) {
	t.Parallel()
	var work, dead Queue
	for _, q := range NewTopology([]broker.Route{{Name: "a"}}).Queues {
		switch q.Name {
		case broker.WorkQueue("a"):
			work = q
		case broker.DeadQueue("a"):
			dead = q
		}
	}
	for name, c := range map[string]struct {
		queue  Queue
		policy settings
		want   string // keys that are named, with spaces between them
	}{
		"no policy":                     {dead, nil, ""},
		"a time to live":                {dead, settings{"message-ttl": 1.0}, "message-ttl"},
		"a time to live of work":        {work, settings{"message-ttl": 1.0}, ""}, // makes dead letters
		"an unused queue":               {work, settings{"expires": 1.0}, "expires"},
		"a length":                      {dead, settings{"max-length": 5.0}, ""},
		"overflow without a length":     {dead, settings{"overflow": "drop-head"}, ""},
		"drop-head":                     {work, settings{"max-length": 5.0, "overflow": "drop-head"}, "overflow: drop-head"},
		"drop-head of bytes":            {dead, settings{"max-length-bytes": 5.0, "overflow": "drop-head"}, "overflow: drop-head"},
		"reject-publish-dlx":            {dead, settings{"max-length": 5.0, "overflow": "reject-publish-dlx"}, "overflow: reject-publish-dlx"},
		"reject-publish":                {dead, settings{"max-length": 5.0, "overflow": "reject-publish"}, ""},
		"a delivery limit":              {dead, settings{"delivery-limit": 2.0}, "delivery-limit"},
		"a delivery limit of work":      {work, settings{"delivery-limit": 2.0}, ""}, // makes dead letters
		"a queue that holds no events":  {Queue{Name: AuditLeaderQueue, Args: dead.Args}, settings{"message-ttl": 1.0, "expires": 1.0}, ""},
		"several keys":                  {dead, settings{"message-ttl": 1.0, "expires": 1.0, "max-in-memory-length": 1.0}, "message-ttl expires"},
		"a length among own arguments":  {Queue{Name: dead.Name, Args: map[string]any{"x-max-length": 5}}, settings{"overflow": "drop-head"}, "overflow: drop-head"},
		"a dead-letter exchange of own": {dead, settings{"dead-letter-exchange": "x"}, ""},
	} {
		var named []string
		for _, advice := range losses(apiQueue{Name: c.queue.Name, Type: "quorum", Arguments: c.queue.Args, Policy: "p", Definition: c.policy}) {
			key, _, ok := strings.Cut(strings.TrimPrefix(advice, "policy p sets "), ", which ")
			if !ok {
				t.Errorf("%s: %s", name, advice)
			}
			named = append(named, key)
		}
		if got := strings.Join(named, " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if stream := losses(apiQueue{Name: LedgerStream, Type: "stream", Policy: "p", Definition: settings{"max-length-bytes": 1.0}}); len(stream) != 0 {
		t.Errorf("a stream: %v", stream)
	}
}

func TestOperatorPoliciesAreNamed(t *testing.T) {
	t.Parallel()
	for want, q := range map[string]apiQueue{
		"policy a":                      {Policy: "a"},
		"operator policy b":             {OperatorPolicy: "b"},
		"policy a or operator policy b": {Policy: "a", OperatorPolicy: "b"},
	} {
		if got := policyName(q); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
