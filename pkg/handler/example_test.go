package handler_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// catalogue is a service that loans are written to.
type catalogue interface {
	SetLoan(ctx context.Context, id, item string) error
}

var errBusy = errors.New("the catalogue is busy")

// loanHandler is a handler of one's own: it writes each loan to a catalogue.
type loanHandler struct{ catalogue catalogue }

// Handle can be repeated, because SetLoan writes the same loan under the same ID.
func (h loanHandler) Handle(ctx context.Context, d event.Delivery) error {
	var body struct {
		Loan struct {
			Item string `json:"item_barcode"`
		} `json:"item_loan"`
	}
	if err := json.Unmarshal(d.Event.Data, &body); err != nil {
		return handler.Permanent(fmt.Errorf("read the loan: %w", err)) // the body never changes
	}
	err := h.catalogue.SetLoan(ctx, d.Event.ID, body.Loan.Item)
	if errors.Is(err, errBusy) {
		return handler.RetryAfter(time.Minute, err)
	}
	return err // nil: done; any other error: another attempt after the route's delay
}

// busyCatalogue refuses its first loan.
type busyCatalogue struct{ calls int }

func (c *busyCatalogue) SetLoan(_ context.Context, id, item string) error {
	if c.calls++; c.calls == 1 {
		return errBusy
	}
	fmt.Println("loan", id, "of", item)
	return nil
}

// A handler decides by its result whether an event is done, tried again, or a dead letter.
func Example() {
	h := loanHandler{&busyCatalogue{}}
	for _, body := range []string{`{"item_loan":{"item_barcode":"B-17"}}`, `{"item_loan":{"item_barcode":"B-17"}}`, `broken`} {
		err := h.Handle(context.Background(), event.Delivery{Event: event.Event{ID: "77", Data: []byte(body)}, Route: "loans", Attempt: 1})
		after, _ := handler.AfterOf(err)
		fmt.Println("error:", err, "permanent:", handler.IsPermanent(err), "retry after:", after)
	}
	// Output:
	// error: the catalogue is busy permanent: false retry after: 1m0s
	// loan 77 of B-17
	// error: <nil> permanent: false retry after: 0s
	// error: read the loan: invalid character 'b' looking for beginning of value permanent: true retry after: 0s
}

func ExampleFunc() {
	var h handler.Handler = handler.Func(func(_ context.Context, d event.Delivery) error {
		fmt.Println(d.Event.Key(), "attempt", d.Attempt)
		return nil
	})
	if err := h.Handle(context.Background(), event.Delivery{Event: event.Event{Source: "alma", Action: "job_end"}, Attempt: 2}); err != nil {
		fmt.Println(err)
	}
	// Output: alma.job_end attempt 2
}

// Permanent makes the event a dead letter at once. Wrapping keeps the mark.
func ExamplePermanent() {
	err := handler.Permanent(errors.New("no such account"))
	fmt.Println(handler.IsPermanent(fmt.Errorf("send: %w", err)))
	// Output: true
}

// RetryAfter chooses the delay of the next attempt, such as the one that a service asks for.
func ExampleRetryAfter() {
	err := handler.RetryAfter(90*time.Second, errors.New("429 Too Many Requests"))
	after, ok := handler.AfterOf(fmt.Errorf("send: %w", err))
	fmt.Println(after, ok)
	// Output: 1m30s true
}

// A dead letter shows the detail, and the log leaves it out.
func ExamplePrivate() {
	err := handler.Private(errors.New("the service answered 400"), "unknown patron 4711")
	fmt.Println(err)
	fmt.Println(handler.LogText(err))
	// Output:
	// the service answered 400: unknown patron 4711
	// the service answered 400
}
