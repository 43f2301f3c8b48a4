package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// sinceFlag adds a flag for a time: a duration before now, or a date.
func sinceFlag(cmd *cobra.Command, into *time.Time, usage string) {
	cmd.Flags().Var((*sinceValue)(into), "since", usage+" since a duration before now (30m, 12h, 7d) or a `TIME` (2026-01-31, \"2026-01-31 14:00\", RFC 3339)")
}

// untilFlag adds a flag for the time before which all are.
func untilFlag(cmd *cobra.Command, into *time.Time, usage string) {
	cmd.Flags().Var((*sinceValue)(into), "until", usage+" before a `TIME`, as with --since")
}

// sinceValue is a pflag.Value.
type sinceValue time.Time

func (*sinceValue) Type() string { return "TIME" }

func (v *sinceValue) String() string {
	if t := time.Time(*v); !t.IsZero() {
		return t.Format(time.RFC3339)
	}
	return ""
}

func (v *sinceValue) Set(text string) error {
	if days, err := strconv.Atoi(strings.TrimSuffix(text, "d")); err == nil && strings.HasSuffix(text, "d") && days >= 0 {
		*v = sinceValue(time.Now().AddDate(0, 0, -days))
		return nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		*v = sinceValue(time.Now().Add(-d))
		return nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			*v = sinceValue(t)
			return nil
		}
	}
	return errors.New(`must be a duration such as 12h or 7d, or a time such as 2026-01-31 or "2026-01-31 14:00"`)
}
