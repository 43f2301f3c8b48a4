package transfer

import (
	"errors"
	"fmt"

	"github.com/hookline/hookline/pkg/store"
	"github.com/hookline/hookline/pkg/store/local"
)

// Place is where files are fetched from or delivered to: exactly one of its keys.
type Place struct {
	Local *local.Config `yaml:"local"`
}

func (p Place) build() (store.Place, error) {
	var places []store.Place
	var errs []error
	add := func(kind string) func(store.Place, error) {
		return func(place store.Place, err error) {
			places = append(places, place)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", kind, err))
			}
		}
	}
	if p.Local != nil {
		add("local")(local.New(*p.Local))
	}
	if len(places) != 1 {
		return nil, errors.New("needs exactly one of local")
	}
	return places[0], errors.Join(errs...)
}
