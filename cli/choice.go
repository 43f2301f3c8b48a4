package cli

import (
	"errors"
	"slices"
)

// choice tells of an ID whether it is one of ids, or whether all are chosen.
func choice(ids []string, all bool) (chosen func(id string) bool, err error) {
	if all == (len(ids) > 0) {
		return nil, usage(errors.New("name the IDs, or give --all, but not both"))
	}
	return func(id string) bool { return all || slices.Contains(ids, id) }, nil
}
