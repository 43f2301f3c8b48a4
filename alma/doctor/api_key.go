package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hookline/hookline/alma"
)

// API is the part of alma.Client that Key needs.
type API interface {
	Check(ctx context.Context, area alma.Area) (alma.KeyStatus, error)
}

// Key examines an institution's API key: its validity, its rights, the requests left today, and Alma's clock.
func Key(ctx context.Context, institution string, api API, reserve int) (found []Finding) {
	add := func(status Status, format string, args ...any) {
		found = append(found, Finding{status, LineKey, institution + ": " + fmt.Sprintf(format, args...)})
	}
	var known *alma.KeyStatus // from the latest answer
	for _, c := range []struct {
		area  alma.Area
		needs string
	}{{alma.Users, "notify and enrich: { what: user }"}, {alma.Bibs, "enrich: { what: bib } or item"}, {alma.Configuration, "reconcile"}} {
		standing, err := api.Check(ctx, c.area)
		var answer *alma.Error
		switch {
		case err == nil:
			add(OK, "may read %s", c.area)
			known = &standing
		case errors.As(err, &answer) && answer.Code == "UNAUTHORIZED":
			add(Warning, "no right to read %s, which %s needs: add the area to the key, read-only is enough", c.area, c.needs)
		case errors.As(err, &answer) && answer.Refused():
			add(Failed, "the key is refused (%d): it is wrong, or of another region or environment", answer.Status)
			return found
		default:
			add(Failed, "%v", err)
			return found
		}
	}
	switch {
	case known == nil:
		add(Failed, "the key has no right to read Users, Bibs or Configuration: it lacks the areas, or is of another environment (sandbox, production)")
		return found
	case known.Remaining < 0:
	case known.Remaining <= reserve:
		add(Failed, "%d requests are left today, and the reserve is %d: no more requests until midnight UTC", known.Remaining, reserve)
	default:
		add(OK, "%d requests are left today", known.Remaining)
	}
	return append(found, clock(institution+": Alma's clock", LineKey, known.Time, time.Now())...)
}
