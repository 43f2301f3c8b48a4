// Package rabbitmq is the broker on RabbitMQ: version 4, and 3.10 or later. No other package speaks AMQP 0-9-1.
//
// The path of an event through its types:
//
//   - Broker.Publish encodes the event as a message. The publisher publishes it on a session of the publish connection, and
//     returns when RabbitMQ has confirmed it. The ledgerWriter notes it as accepted.
//   - The exchanges and queues of the Topology, which the declarer declares, route the message to the work queue of each route.
//   - Broker.Consume starts a consumption. Its consumer, on a session of the consume connection, fetches the message as a
//     delivery, decodes its queuedEvent, and calls the route's Process.
//   - The delivery is settled once, on the channel that brought it. A done event is noted in the ledger before its delivery is
//     acknowledged. For a retry or a dead letter the delivery publishes another message first. From a delay queue it comes
//     back to its work queue.
//   - Dead letters and unrouted events stay in their queues until a person replays or discards them. A browser gets them there.
//   - The auditor reads the ledger with a ledgerReader and compares it with the queues. peerReader reads there
//     the stored events and the bindings of other processes.
//
// A session is one AMQP connection and its channels. After any fault a new session replaces it, so that a delivery can only
// be settled on the session that brought it. There are two connections, because RabbitMQ stops reading from a connection that
// publishes while it is short of memory or disk, and acknowledgements have to go on.
package rabbitmq
