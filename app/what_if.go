package app

import (
	"context"
	"strings"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/whatif"
)

// WhatIf runs recorded events through the routes of two configurations, without effects.
func WhatIf(ctx context.Context, before, now *config.Config, source whatif.Source, o whatif.Options) (*whatif.Report, error) {
	return whatif.Compare(ctx, whatIfSide(before), whatIfSide(now), source, o)
}

func whatIfSide(c *config.Config) whatif.Side {
	return whatif.Side{Routes: c.Routes.Broker(), Work: workerRoutes(c), Decoding: c.Decoding}
}

// NotTried names the changed keys from before to now that WhatIf does not try: recorded events are already received, and stored.
func NotTried(before, now *config.Config) (keys []string) {
	for _, key := range now.Changed(before) {
		if strings.HasPrefix(key, "sources.") || key == "redact_key" {
			keys = append(keys, key)
		}
	}
	return keys
}
