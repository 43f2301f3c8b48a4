package main

type (
	row struct {
		title  string
		panels []panel
	}
	panel struct {
		title, description string
		unit               string // Grafana's name of it
		queries            []query
		bad                *float64 // red from here on
		good               *float64 // red below
		width              int      // of 24; 0: a third
		stat               bool     // one number instead of a plot
	}
	query struct{ expr, legend string }
)

// dashboard returns the rows: first the present state, then a row for each question, then the traffic.
// Every process reports the same queue lengths, hence max; everything else is a sum over processes.
func dashboard() []row {
	return []row{now(), lost(), late(), failing(), pilingUp(), spooled(), beyond(), traffic()}
}

func now() row {
	return row{"Now", []panel{
		{title: "Accepted", description: "Events a second that were stored and answered 200.", unit: "reqps", stat: true, width: 4,
			queries: one("sum(rate(hookline_receiver_accepted_total[$__rate_interval]))", "accepted")},
		{title: "Receivers", description: "Receivers that answer Prometheus.", unit: "none", stat: true, width: 3, good: at(1),
			queries: one(`sum(up{job="receiver"}) or vector(0)`, "receivers")},
		{title: "Workers", description: "Workers that answer Prometheus.", unit: "none", stat: true, width: 3, good: at(1),
			queries: one(`sum(up{job="worker"}) or vector(0)`, "workers")},
		{title: "Broker connected", description: "Whether every process has every connection to the broker.", unit: "bool_yes_no", stat: true, width: 3, good: at(1),
			queries: one("min(hookline_broker_connected)", "connected")},
		{title: "Waiting", description: "Events that no worker holds yet, over all routes.", unit: "none", stat: true, width: 4, bad: at(1000),
			queries: one(`sum(max by (queue) (hookline_broker_queue_waiting{role=~"work|external"}))`, "waiting")},
		{title: "Unaccounted", description: "Stored events that are neither in a queue nor finished. More than 0 is a loss: `hookline audit` names the routes.", unit: "none", stat: true, width: 4, bad: at(1),
			queries: one("sum(max by (route) (hookline_ledger_unaccounted))", "unaccounted")},
		{title: "Alerts", description: "Alerts that fire now. Prometheus' own page /alerts names them, and docs/runbooks has a page for each.", unit: "none", stat: true, width: 3, bad: at(1),
			queries: one(`count(ALERTS{alertstate="firing"}) or vector(0)`, "firing")},
	}}
}

func lost() row {
	return row{"Is anything lost?", []panel{
		{title: "Not stored", description: "Events answered 503 because neither the broker nor the spool took them. The sender repeats: Alma three times within ten hours.", unit: "reqps",
			queries: one("sum by (source, reason) (rate(hookline_receiver_publish_failures_total[$__rate_interval]))", "{{source}}: {{reason}}")},
		{title: "Signatures refused", description: "Refused signatures and tokens. mismatch can be a real event, which senders such as Alma do not repeat; no_secret is answered 503; missing is mostly scanners.", unit: "reqps",
			queries: one("sum by (source, reason) (rate(hookline_receiver_verify_failures_total[$__rate_interval]))", "{{source}}: {{reason}}")},
		{title: "Stored and settled, last hour", description: "Stored events, and deliveries that each route has settled (done, filtered or dead). A route that matches everything follows the stored events.", unit: "none",
			queries: []query{
				{"sum(increase(hookline_receiver_accepted_total[1h]))", "stored"},
				{`sum by (route) (increase(hookline_worker_deliveries_total{outcome=~"done|filtered|dead"}[1h]))`, "settled: {{route}}"},
			}},
		{title: "Unrouted events kept", description: "Events that match no route. They wait in the unrouted queue for a route or a decision.", unit: "none", bad: at(1),
			queries: one(`max by (queue) (hookline_broker_queue_waiting{role="unrouted"})`, "{{queue}}")},
		{title: "Not understood", description: "Events with a right signature that match no route, or whose body cannot be read. All are kept.", unit: "reqps",
			queries: []query{
				{"sum by (source) (rate(hookline_receiver_unrouted_total[$__rate_interval]))", "{{source}}: unrouted"},
				{"sum by (source) (rate(hookline_receiver_unreadable_total[$__rate_interval]))", "{{source}}: unreadable"},
			}},
		{title: "Left-over routes", description: "Events of routes that the configuration lacks, so that nobody handles them, and old bindings that still bring some: `hookline topology plan` shows both.", unit: "none", bad: at(1),
			queries: []query{
				{"max by (route) (hookline_broker_left_over_events) or vector(0)", "{{route}} events"},
				{"max by (route) (hookline_broker_stale_bindings) or vector(0)", "{{route}} bindings"},
			}},
		{title: "Differences from the topology", description: "Queues and exchanges on RabbitMQ that differ from the configuration, so that guarantees may be missing: `hookline topology plan` names them.", unit: "none", bad: at(1),
			queries: one("max by (job) (hookline_broker_topology_mismatches)", "{{job}}")},
		{title: "Queues at risk", description: "Queues that can lose events: on fewer nodes than they could be (members), or by a policy that drops: `hookline topology plan` names them. Only with broker.management.", unit: "none", bad: at(1),
			queries: one("max by (risk) (hookline_broker_queues_at_risk) or vector(0)", "{{risk}}")},
	}}
}

func late() row {
	return row{"Is anything late?", []panel{
		{title: "Time to answer", description: "From the request's first byte to the answer. Alma gives up after 5 s and sends the event again.", unit: "s", bad: at(5), width: 6,
			queries: quantiles("source", "hookline_receiver_request_seconds")},
		{title: "Time to store", description: "From publishing an event to the broker's confirm, which is most of the answer's time.", unit: "s", width: 6,
			queries: quantiles("source", "hookline_receiver_publish_seconds")},
		{title: "Oldest event in progress", description: "Age since its receipt of the oldest event in progress. Retries make events old as well.", unit: "s", width: 6,
			queries: one("max by (route) (hookline_worker_oldest_age_seconds)", "{{route}}")},
		{title: "Handler time", description: "The time of one attempt.", unit: "s", width: 6,
			queries: quantiles("route", "hookline_worker_handle_seconds")},
	}}
}

func failing() row {
	return row{"Is anything failing?", []panel{
		{title: "Outcomes other than done", description: "retried: repeated after a delay. dead: given up. requeued: given back by a worker that stopped. filtered: left out by the route's condition.", unit: "ops", width: 6,
			queries: one(`sum by (route, outcome) (rate(hookline_worker_deliveries_total{outcome!="done"}[$__rate_interval]))`, "{{route}}: {{outcome}}")},
		{title: "Why attempts fail", description: "error and timeout are retried; permanent is given up at once; panic and filter are faults in a handler or a condition; crashed: the process or its connection to the broker ended.", unit: "ops", width: 6,
			queries: one("sum by (route, reason) (rate(hookline_worker_failures_total[$__rate_interval]))", "{{route}}: {{reason}}")},
		{title: "Dead letters", description: "Events that a route gave up on. They wait for a decision: `hookline dead list ROUTE`.", unit: "none", width: 6, bad: at(1),
			queries: one(`max by (route) (hookline_broker_queue_waiting{role="dead"})`, "{{route}}")},
		{title: "Attempts needed", description: "Attempts that an event took to be done or given up, on average. 1: nothing is retried.", unit: "none", width: 6,
			queries: one("sum by (route) (rate(hookline_worker_attempts_sum[$__rate_interval])) / sum by (route) (rate(hookline_worker_attempts_count[$__rate_interval]))", "{{route}}")},
		{title: "Paused routes", description: "Workers that pause a route, because most of the latest events of a source failed. They try one now and then, and resume by themselves. A person resumes a route that a person has paused: `hookline routes`.", unit: "none", width: 12, bad: at(1),
			queries: []query{
				{"sum by (route) (hookline_worker_paused)", "{{route}}"},
				{"max by (route) (hookline_worker_paused_by_person)", "{{route}}: by a person"},
			}},
		{title: "Abandoned handlers", description: "Handler calls that ignored the end of their context. Each keeps its resources until it returns or its worker restarts.", unit: "none", width: 12, bad: at(1),
			queries: one("sum by (route) (hookline_worker_left_behind)", "{{route}}")},
	}}
}

func pilingUp() row {
	return row{"Is anything piling up?", []panel{
		{title: "Waiting for a worker", description: "Events in each route's queue that no worker holds. Growing: start more workers or raise the route's concurrency.", unit: "none", width: 6,
			queries: one(`max by (route) (hookline_broker_queue_waiting{role=~"work|external"})`, "{{route}}")},
		{title: "Waiting for another attempt", description: "Events in the delay queues. They come back to their route by themselves.", unit: "none", width: 6,
			queries: one(`max by (queue) (hookline_broker_queue_waiting{role="retry"})`, "{{queue}}")},
		{title: "In progress", description: "Events in handlers, and requests in receivers, at this moment.", unit: "none", width: 6,
			queries: []query{
				{"sum by (route) (hookline_worker_in_flight)", "{{route}}"},
				{"sum(hookline_receiver_in_flight)", "requests"},
			}},
		{title: "Room on RabbitMQ's disk", description: "Free space above the limit at which RabbitMQ blocks its publishers and receivers answer 503.", unit: "bytes", width: 6,
			queries: one("min by (instance) (rabbitmq_disk_space_available_bytes - rabbitmq_disk_space_available_limit_bytes)", "{{instance}}")},
	}}
}

func spooled() row {
	return row{"Is the spool in use?", []panel{
		{title: "In the spool", description: "Events that wait on a receiver's disk because RabbitMQ did not take them. They are published by themselves.", unit: "none", bad: at(1),
			queries: one("sum by (instance) (hookline_spool_waiting)", "{{instance}}")},
		{title: "Oldest in the spool", description: "Age since its receipt of the oldest event in the spool. From spool.max_age on, 72 h by default, further events are refused.", unit: "s", bad: at(3600),
			queries: one("max by (instance) (hookline_spool_oldest_age_seconds)", "{{instance}}")},
		{title: "Into and out of the spool", description: "Events that were spooled, published to RabbitMQ, and refused by the spool.", unit: "ops",
			queries: []query{
				{"sum by (source) (rate(hookline_spool_stored_total[$__rate_interval]))", "spooled: {{source}}"},
				{"sum(rate(hookline_spool_drained_total[$__rate_interval]))", "published"},
				{"sum by (reason) (rate(hookline_spool_refused_total[$__rate_interval]))", "refused: {{reason}}"},
			}},
	}}
}

func beyond() row {
	return row{"Services behind handlers", []panel{
		{title: "Alma's API: answers", description: "Requests to Alma by the class of the answer; none: without an answer. 429: the limit of a second, or of the day.", unit: "reqps", width: 6,
			queries: one("sum by (institution, code) (rate(hookline_alma_requests_total[$__rate_interval]))", "{{institution}}: {{code}}")},
		{title: "Alma's API: left today", description: "Requests that Alma still allows the institution today, as the latest answers said.", unit: "none", width: 6,
			queries: one("min by (institution) (hookline_alma_api_remaining)", "{{institution}}")},
		{title: "Messages", description: "sent; failed: tried again or given up; maybe: a dead letter, because it may have been sent; repeat: sent before; nobody: without a recipient.", unit: "ops", width: 6,
			queries: one("sum by (service, result) (rate(hookline_notify_sent_total[$__rate_interval]))", "{{service}}: {{result}}")},
		{title: "Records transferred", description: "Records of exports by result. A bad one is in the log, with its place in the file.", unit: "ops", width: 6,
			queries: one("sum by (result) (rate(hookline_transfer_records_total[$__rate_interval]))", "{{result}}")},
	}}
}

func traffic() row {
	return row{"Traffic", []panel{
		{title: "Accepted by source", description: "Events stored a second.", unit: "reqps",
			queries: one("sum by (source) (rate(hookline_receiver_accepted_total[$__rate_interval]))", "{{source}}")},
		{title: "Duplicates", description: "Repeats of stored events that were answered 200 and made no new work, often after a lost answer.", unit: "reqps",
			queries: one("sum by (source) (rate(hookline_receiver_duplicates_total[$__rate_interval]))", "{{source}}")},
		{title: "Answers by code", description: "All answers of the public listener, handshakes included.", unit: "reqps",
			queries: one("sum by (code) (rate(hookline_receiver_requests_total[$__rate_interval]))", "{{code}}")},
		{title: "Done by worker", description: "Events settled by each worker. The workers should share evenly.", unit: "ops",
			queries: one(`sum by (instance) (rate(hookline_worker_deliveries_total{outcome=~"done|filtered"}[$__rate_interval]))`, "{{instance}}")},
		{title: "Handshakes", description: "Handshakes of senders: answered, or refused because of a wrong token or question.", unit: "reqps",
			queries: one("sum by (source, result) (rate(hookline_receiver_handshakes_total[$__rate_interval]))", "{{source}}: {{result}}")},
		{title: "Scheduled events, last hour", description: "Due events of schedules: emitted, duplicate (emitted before) or failed (tried again); and the receivers that emit them, which has to be one.", unit: "none",
			queries: []query{
				{"sum by (source, result) (increase(hookline_schedule_events_total[1h]))", "{{source}}: {{result}}"},
				{"sum(hookline_schedule_turn)", "receivers that emit"},
			}},
		{title: "Broker: confirms and reconnects", description: "Confirms a second by job, and connections made again.", unit: "ops",
			queries: []query{
				{"sum by (job) (rate(hookline_broker_confirm_seconds_count[$__rate_interval]))", "{{job}}: confirms"},
				{"sum by (job, connection) (rate(hookline_broker_reconnects_total[$__rate_interval]))", "{{job}}: {{connection}} reconnects"},
			}},
		{title: "Builds", description: "Processes by job and version. Two versions at once: an upgrade is under way, or stuck.", unit: "none",
			queries: one("count by (job, version) (hookline_build_info)", "{{job}} {{version}}")},
	}}
}

func one(expr, legend string) []query { return []query{{expr, legend}} }

// quantiles are the median and the 99th percentile of a histogram, by label.
func quantiles(label, histogram string) []query {
	of := func(q string) string {
		return "histogram_quantile(" + q + ", sum by (" + label + ", le) (rate(" + histogram + "_bucket[$__rate_interval])))"
	}
	return []query{{of("0.5"), "{{" + label + "}} p50"}, {of("0.99"), "{{" + label + "}} p99"}}
}

func at(v float64) *float64 { return &v }
