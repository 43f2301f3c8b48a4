package exec

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// Preview returns the command with its arguments, variables and standard input. The variables of the configuration are secret.
func (c *command) Preview(_ context.Context, d event.Delivery) (p handler.Preview, err error) {
	quoted := make([]string, len(c.argv))
	for i, arg := range c.argv {
		quoted[i] = fmt.Sprintf("%q", arg)
	}
	p.Add("command", strings.Join(quoted, " "))
	p.Add("user", c.user)
	p.Add("dir", c.dir)
	p.AddSecret("env", strings.Join(slices.Sorted(slices.Values(c.env)), "\n"))
	p.Add("variables", strings.Join(environment(nil, d), "\n"))
	p.Add("stdin", string(d.Event.Data))
	p.Unknown = []string{"the program is not run, so its result is not known"}
	return p, nil
}
