package system

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Firewall reports whether packets can be dropped here.
func Firewall(ctx context.Context) bool {
	heal, err := lose(ctx, "1", 1)
	return errors.Join(err, heal(ctx)) == nil
}

// Lose drops percent of the packets between the processes and this proxy, in both directions, until heal is
// called.
func (p *Proxy) Lose(ctx context.Context, percent int) (heal func(context.Context) error, err error) {
	return lose(ctx, p.Port(), percent)
}

func lose(ctx context.Context, port string, percent int) (heal func(context.Context) error, err error) {
	rule := func(ctx context.Context, action string) error {
		var errs []error
		for _, direction := range []string{"--dport", "--sport"} {
			what := fmt.Sprintf("-w %s INPUT -i lo -p tcp %s %s -m statistic --mode random --probability %.2f -j DROP",
				action, direction, port, float64(percent)/100)
			errs = append(errs, run(ctx, "iptables", strings.Fields(what)...))
		}
		return errors.Join(errs...)
	}
	return func(ctx context.Context) error { return rule(ctx, "-D") }, rule(ctx, "-A")
}
