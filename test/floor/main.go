// Command floor does Hookline's work at the least possible cost, for comparison:
//
//	floor receive URL LISTEN SECRET        HTTP in, one HMAC, one confirmed publish to a quorum queue
//	floor topic URL LISTEN SECRET          the same through a topic exchange
//	floor consume URL PREFETCH SINK FILE   a bare consumer that acknowledges each delivery when SINK has it
//	floor write COUNT WRITERS FOLDER       COUNT files by concurrent writers, each file and its name durable
//
// The receiver reads no ID, keeps no metrics and no log. SINK is none, stamp, files or synced: no work, a record per event in
// FILE, a file per event in the folder FILE, and the same with fsync. Both commands declare the queue.
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	amqp "github.com/rabbitmq/amqp091-go"
)

const queue = "floor"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 4 && (args[0] == "receive" || args[0] == "topic"):
		return receive(args[1], args[2], args[3], args[0] == "topic")
	case len(args) == 5 && args[0] == "consume":
		prefetch, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return consume(args[1], prefetch, args[3], args[4])
	case len(args) == 4 && args[0] == "write":
		count, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		writers, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return writeAll(count, writers, args[3])
	}
	return errors.New("the arguments are wrong; see the comment in its source")
}

func open(url string) (*amqp.Channel, error) {
	conn, err := amqp.Dial(url)
	if err != nil {
		return nil, err
	}
	ch, err := conn.Channel()
	if err != nil {
		return nil, err
	}
	_, err = ch.QueueDeclare(queue, true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
	return ch, err
}
