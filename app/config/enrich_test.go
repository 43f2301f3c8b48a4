package config_test

import (
	"testing"

	"github.com/hookline/hookline/app/config"
)

// TestARouteHasItsSteps has a handler with a redaction and an enrichment before it; without a step, personal data goes on or is missing.
func TestARouteHasItsSteps(t *testing.T) {
	t.Parallel()
	c, err := parse(t, library)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Routes {
		if enriched := r.Name == "tell"; (r.Handler != r.Plain) != enriched {
			t.Errorf("route %s is enriched: %t", r.Name, !enriched)
		}
	}
	redacted, err := config.Parse("hookline.yml", []byte("sources: { alma: { preset: alma, secrets: first-test-secret } }\n"+
		"routes: { a: { match: '#', redact: { drop: [a] }, handler: { kind: log } } }\n"), noEnv, kinds())
	if err != nil || redacted.Routes[0].Handler == redacted.Routes[0].Plain {
		t.Errorf("a route is not redacted: %v", err)
	}
}
