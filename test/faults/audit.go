package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/cli"
)

// audit compares hookline's own audit with the number of destroyed events.
func (t *trial) audit(ctx context.Context, r *result) {
	out, code, err := t.Run(ctx, "audit", "--config", filepath.Join(t.Dir(), "hookline.yml"), "--json")
	var told broker.Audit
	if wrong := json.Unmarshal(out, &told); wrong != nil {
		r.problem("audit: %v: %v", wrong, err)
		return
	}
	r.unaccounted = fmt.Sprint(told.Unaccounted)
	destroyed, want := t.destroyed.Load(), cli.ExitOK
	if destroyed > 0 {
		want = cli.ExitUnaccounted
	}
	if told.Unaccounted != destroyed || code != want {
		r.problem("audit: exit code %d, %d unaccounted, and %d were destroyed by hand: %s", code, told.Unaccounted, destroyed, out)
	}
}
