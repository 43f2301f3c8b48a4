package system

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// Firewall tells whether packets can be dropped here.
func Firewall(ctx context.Context) bool {
	return run(ctx, "iptables", "-w", "-L", "INPUT", "-n") == nil
}

// Disks tells whether a disk can be made, mounted and broken here.
func Disks() bool {
	for _, tool := range []string{"mkfs.ext4", "e2fsck", "mount", "umount"} {
		if _, err := exec.LookPath(tool); err != nil {
			return false
		}
	}
	return true
}

// Lose drops percent of the packets between the processes and this proxy, in both directions, until the function that
// it returns is called.
func (p *Proxy) Lose(ctx context.Context, percent int) (heal func(context.Context) error, err error) {
	rule := func(ctx context.Context, action string) error {
		var errs []error
		for _, direction := range []string{"--dport", "--sport"} {
			what := fmt.Sprintf("-w %s INPUT -i lo -p tcp %s %s -m statistic --mode random --probability %.2f -j DROP",
				action, direction, p.Port(), float64(percent)/100)
			errs = append(errs, run(ctx, "iptables", strings.Fields(what)...))
		}
		return errors.Join(errs...)
	}
	return func(ctx context.Context) error { return rule(ctx, "-D") }, rule(ctx, "-A")
}
