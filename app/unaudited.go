package app

import (
	"context"
	"errors"

	"github.com/hookline/hookline/pkg/broker"
	"github.com/hookline/hookline/pkg/broker/rabbitmq"
)

// unaudited is the line on RabbitMQ, which keeps no ledger yet.
type unaudited struct{ *rabbitmq.Line }

func (unaudited) Audit(context.Context) (broker.Audit, error) {
	return broker.Audit{}, errors.New("the line on RabbitMQ cannot be audited; the embedded one can")
}
func (unaudited) AuditTurn(context.Context) (bool, error) { return false, nil }
func (unaudited) Count(string, string)                    {}
func (unaudited) Spooled(map[string]int64)                {}
