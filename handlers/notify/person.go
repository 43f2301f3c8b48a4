package notify

import (
	"context"
	"errors"
)

// Person is a person whom a message can reach. Each field may be empty.
type Person struct {
	// ID is the user's primary ID.
	ID        string
	FirstName string
	LastName  string
	// Language is the code of the language that the person prefers.
	Language string
	// Phone is the number that takes text messages, as somebody typed it.
	Phone string
	// Email is the preferred e-mail address.
	Email string
}

// People finds persons.
type People interface {
	// Person returns the person with an ID. It returns ErrNoPerson if the ID stands for no person, and an error that
	// handler.RetryAfter made if it knows when the next attempt can succeed.
	Person(ctx context.Context, id string) (Person, error)
}

// ErrNoPerson says that an ID stands for no person. It is no failure: the message goes to Config.URL or to nobody.
var ErrNoPerson = errors.New("no such person")
