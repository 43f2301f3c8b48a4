package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
)

// audit asks hookline itself what it has lost: exactly what was destroyed by hand.
func (t *trial) audit(ctx context.Context, r *result) {
	if help, _, err := t.Run(ctx, "--help"); err != nil || !strings.Contains(string(help), "\n  audit ") {
		r.unaccounted = "-" // this hookline cannot tell yet
		return
	}
	destroyed := t.destroyed.Load()
	out, code, err := t.Run(ctx, "audit", "--config", filepath.Join(t.Dir(), "hookline.yml"), "--json")
	var told struct {
		Unaccounted int64 `json:"unaccounted"`
	}
	if wrong := json.Unmarshal(out, &told); wrong != nil {
		r.problem("audit: %v: %v", wrong, err)
		return
	}
	r.unaccounted = fmt.Sprint(told.Unaccounted)
	if told.Unaccounted != destroyed || (code != 0) != (destroyed != 0) {
		r.problem("audit: exit code %d, %d unaccounted, and %d were destroyed by hand: %s", code, told.Unaccounted, destroyed, out)
	}
}
