package notify

import (
	"context"
	"errors"
)

// Person is a person who can get messages. Each field may be empty.
type Person struct {
	// ID identifies the person for People.
	ID        string
	FirstName string
	LastName  string
	// Language is the code of the person's preferred language.
	Language string
	// Phone is the number for text messages, as somebody typed it.
	Phone string
	// Email is the preferred e-mail address.
	Email string
}

// People looks persons up.
type People interface {
	// Person returns the person with an ID. It returns ErrNoPerson if the ID stands for no person. If it knows when the next attempt can
	// succeed, the error is one of handler.RetryAfter.
	Person(ctx context.Context, id string) (Person, error)
}

// ErrNoPerson says that an ID stands for no person. The message then goes to Config.URL, if there is one.
var ErrNoPerson = errors.New("no such person")
