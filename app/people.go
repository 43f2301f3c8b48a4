package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/handlers/notify"
	"github.com/hookline/hookline/pkg/handler"
)

// almaPeople finds persons among the users of an institution of Alma.
type almaPeople struct{ client *alma.Client }

// Person returns the user with an ID. Where the day's requests to Alma are used up, the error says when to try again.
func (p almaPeople) Person(ctx context.Context, id string) (notify.Person, error) {
	if alma.IsSystem(id) {
		return notify.Person{}, fmt.Errorf("%w: the ID is Alma's own", notify.ErrNoPerson)
	}
	user, err := p.client.User(ctx, id)
	var quota *alma.QuotaError
	switch {
	case errors.Is(err, alma.ErrNotFound), errors.Is(err, alma.ErrNoID):
		return notify.Person{}, fmt.Errorf("%w: Alma does not know the ID", notify.ErrNoPerson)
	case errors.As(err, &quota):
		return notify.Person{}, handler.RetryAfter(quota.Wait(), err)
	case err != nil:
		return notify.Person{}, err
	}
	return notify.Person{
		ID: user.PrimaryID, FirstName: user.FirstName, LastName: user.LastName, Language: user.Language.Value,
		Phone: user.SMS(), Email: user.Email(),
	}, nil
}
