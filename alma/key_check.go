package alma

import (
	"context"
	"net/http"
	"time"
)

// Area is a part of the API that a key may or may not have the right to read.
type Area string

// The areas that this package reads.
const (
	Users         Area = "Users"
	Bibs          Area = "Bibs"
	Configuration Area = "Configuration" // which the jobs belong to
)

// KeyStatus is what an answer tells beside the question.
type KeyStatus struct {
	// Remaining is how many requests Alma still allows today; -1: it does not say.
	Remaining int
	// Time is Alma's clock; zero: it does not say.
	Time time.Time
}

// Check asks an area whether the key may read it, and reads nothing of it.
func (c *Client) Check(ctx context.Context, area Area) (KeyStatus, error) {
	tests := map[Area]string{Users: "/users/operation/test", Bibs: "/bibs/test", Configuration: "/conf/test"}
	header, _, err := c.get(ctx, tests[area], nil)
	if err != nil {
		return KeyStatus{}, err
	}
	s := KeyStatus{Remaining: remaining(header)}
	s.Time, _ = http.ParseTime(header.Get("Date")) // a proxy may leave it out
	return s, nil
}
