// Command floor is the least that can do a receiver's work, to compare the receiver's cost with: net/http, one HMAC over
// the body, one persistent, mandatory, confirmed publish to a quorum queue. It reads no ID, counts and logs nothing.
//
//	floor AMQP-URL SECRET
//
// It says where it listens as the receiver does, {"listen":"HOST:PORT"}.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const queue = "floor"

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(url, secret string) error {
	ch, err := open(url)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // ends with the process
	if err != nil {
		return err
	}
	fmt.Printf("{\"listen\":\"%s\"}\n", ln.Addr())
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(answer(ch, secret, r))
	})}
	return server.Serve(ln)
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
	if _, err := ch.QueueDeclare(queue, true, false, false, false, amqp.Table{"x-queue-type": "quorum"}); err != nil {
		return nil, err
	}
	return ch, ch.Confirm(false)
}

func answer(ch *amqp.Channel, secret string, r *http.Request) int {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return http.StatusBadRequest
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	signed, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Exl-Signature"))
	if err != nil || !hmac.Equal(mac.Sum(nil), signed) {
		return http.StatusUnauthorized
	}
	confirm, err := ch.PublishWithDeferredConfirm("", queue, true, false, amqp.Publishing{DeliveryMode: amqp.Persistent, Body: body})
	if err != nil {
		return http.StatusServiceUnavailable
	}
	if acked, err := confirm.WaitContext(r.Context()); !acked || err != nil {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}
