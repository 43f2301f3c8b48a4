package alma

import (
	"context"
	"net/http"
	"time"
)

// Area is a part of the API with its own right to read.
type Area string

// The areas that this package reads.
const (
	Users         Area = "Users"
	Bibs          Area = "Bibs"
	Configuration Area = "Configuration" // includes the jobs
)

// KeyStatus holds the general data of an answer.
type KeyStatus struct {
	// Remaining is the number of requests that Alma still allows today; -1: unknown.
	Remaining int
	// Time is Alma's clock; zero: unknown.
	Time time.Time
}

// Check asks Alma whether the key may read an area. It reads no data.
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
