package rabbitmq

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hookline/hookline/broker"
)

// replicas is how many members a quorum queue has that is declared on a cluster of as many nodes or more.
const replicas = 3

// ownQueues begins the names of all queues of Hookline.
const ownQueues = "hookline."

// queuesAtRisk returns Hookline's queues that can lose events, those of removed routes as well, sorted by name.
func (m *managementAPI) queuesAtRisk(ctx context.Context) (found []broker.QueueAtRisk, err error) {
	nodes, err := m.runningNodes(ctx)
	if err != nil {
		return nil, err
	}
	queues, err := m.queues(ctx)
	if err != nil {
		return nil, err
	}
	for _, q := range queues {
		if !strings.HasPrefix(q.Name, ownQueues) {
			continue
		}
		if advice := fewMembers(q, nodes, m.vhost); advice != "" {
			found = append(found, broker.QueueAtRisk{Queue: q.Name, Risk: broker.RiskMembers, Advice: advice})
		}
		for _, advice := range losses(q) {
			found = append(found, broker.QueueAtRisk{Queue: q.Name, Risk: broker.RiskPolicy, Advice: advice})
		}
	}
	slices.SortStableFunc(found, func(a, b broker.QueueAtRisk) int { return cmp.Compare(a.Queue, b.Queue) })
	return found, nil
}

// fewMembers says how to add members to a queue that has fewer than there are nodes, or replicas. RabbitMQ chooses the members of a
// queue when it is declared, and adds none when the cluster grows.
func fewMembers(q apiQueue, nodes []string, vhost string) string {
	lacking := min(replicas, len(nodes)) - len(q.Members)
	if lacking <= 0 || len(q.Members) == 0 { // a classic queue has no members
		return ""
	}
	others := slices.DeleteFunc(slices.Clone(nodes), func(node string) bool { return slices.Contains(q.Members, node) })
	others = others[:min(lacking, len(others))]
	command := fmt.Sprintf("rabbitmq-queues grow NODE all%s --queue-pattern ^%s", option(" --vhost-pattern %s", vhost, "^"+regexp.QuoteMeta(vhost)+"$"), strings.TrimSuffix(ownQueues, "."))
	if q.Type == "stream" {
		command = fmt.Sprintf("rabbitmq-streams add_replica%s %s NODE", option(" --vhost %s", vhost, vhost), q.Name)
	}
	return fmt.Sprintf("has %d of %d members, and a lost node takes its events along: run `%s` with %s",
		len(q.Members), len(q.Members)+lacking, command, strings.Join(others, " and with "))
}

// option returns a command's option for a virtual host that is not the default. Its value is quoted for a shell.
func option(format, vhost, value string) string {
	if vhost == "/" {
		return ""
	}
	return fmt.Sprintf(format, "'"+strings.ReplaceAll(value, "'", `'\''`)+"'")
}

// losses says by which settings of a policy a queue loses events. A work queue and a delay queue forward what they drop, except for
// what is beyond a length: then RabbitMQ forwards at most once.
func losses(q apiQueue) (advice []string) {
	if q.Type != "quorum" || q.Name == AuditLeaderQueue || q.Name == ScheduleLeaderQueue {
		return nil
	}
	_, forwards := q.Arguments["x-dead-letter-exchange"]
	lose := func(key, how string) {
		advice = append(advice, fmt.Sprintf("%s sets %s, which %s: take it out of the policy, or leave these queues out of its pattern",
			policyName(q), key, how))
	}
	if q.Definition["message-ttl"] != nil && !forwards {
		lose("message-ttl", "drops events that wait longer")
	}
	if q.Definition["expires"] != nil {
		lose("expires", "deletes a queue with its events when nobody uses it for a while")
	}
	if overflow := q.Definition["overflow"]; overflow != nil && overflow != "reject-publish" && limited(q) {
		lose(fmt.Sprintf("overflow: %v", overflow), "drops the oldest events of a full queue")
	}
	if q.Definition["delivery-limit"] != nil && !forwards {
		lose("delivery-limit", "drops events that `hookline dead` or `hookline unrouted` has listed more often")
	}
	return advice
}

// limited reports whether a queue has a greatest length.
func limited(q apiQueue) bool {
	for _, key := range []string{"max-length", "max-length-bytes"} {
		if q.Definition[key] != nil || q.Arguments["x-"+key] != nil {
			return true
		}
	}
	return false
}

// policyName names the policies of a queue. RabbitMQ does not say which of them has set a key.
func policyName(q apiQueue) string {
	switch {
	case q.OperatorPolicy == "":
		return "policy " + q.Policy
	case q.Policy == "":
		return "operator policy " + q.OperatorPolicy
	}
	return fmt.Sprintf("policy %s or operator policy %s", q.Policy, q.OperatorPolicy)
}
