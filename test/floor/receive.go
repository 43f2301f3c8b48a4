package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

func receive(url, listen, secret string, topic bool) error {
	ch, err := open(url)
	if err != nil {
		return err
	}
	exchange, key := "", queue // the default exchange, which routes by the queue's name
	if topic {
		exchange, key = "floor", "alma.job_end"
		if err := errors.Join(ch.ExchangeDeclare(exchange, "topic", true, false, false, false, nil), ch.QueueBind(queue, "#", exchange, false, nil)); err != nil {
			return err
		}
	}
	if err := ch.Confirm(false); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", listen) //nolint:noctx // ends with the process
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(answer(ch, exchange, key, secret, r))
	})}
	return server.Serve(ln)
}

func answer(ch *amqp.Channel, exchange, key, secret string, r *http.Request) int {
	body, err := io.ReadAll(io.LimitReader(r.Body, 32<<20))
	if err != nil {
		return http.StatusBadRequest
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	signed, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Exl-Signature"))
	if err != nil || !hmac.Equal(mac.Sum(nil), signed) {
		return http.StatusUnauthorized
	}
	confirm, err := ch.PublishWithDeferredConfirm(exchange, key, true, false, amqp.Publishing{DeliveryMode: amqp.Persistent, Body: body})
	if err != nil {
		return http.StatusServiceUnavailable
	}
	if acked, err := confirm.WaitContext(r.Context()); !acked || err != nil {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}
