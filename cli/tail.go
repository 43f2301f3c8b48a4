package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/console/api"
	"github.com/hookline/hookline/console/client"
)

// tailPause is the time between two tries to reach the console again.
const tailPause = time.Second

func (c *command) tail() *cobra.Command {
	var f eventFilter
	var at consoleFlags
	var last int
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "tail",
		GroupID: "look",
		Short:   "Show events as they come",
		Long: `Show each event as it is stored, until Ctrl-C. It asks the running process by the API of its console. When the connection
breaks, it tries again and goes on behind the last event that it has shown, so that none is missed.

--json prints each entry as one line of JSON.`,
		Example: `  hookline tail
  hookline tail --source alma -n 20
  hookline tail --search 4711 --json | jq .id`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			running, err := c.console(at)
			if err != nil {
				return err
			}
			out := tailOutput{c: c, json: asJSON, colour: app.IsTerminal(c.stdout) && !c.noColour()}
			err = nobodyAnswers(c.follow(cmd.Context(), running, f.query(), last, out), "")
			if errors.Is(err, context.Canceled) {
				return nil // Ctrl-C is its usual end
			}
			return err
		},
	}
	f.flags(cmd)
	cmd.Flags().IntVarP(&last, "last", "n", 0, "begin with this many events of the past")
	jsonFlag(cmd, &asJSON)
	at.flags(cmd)
	_ = cmd.RegisterFlagCompletionFunc("route", c.completeRoutes)
	return cmd
}

// noColour reports whether the person wants no colours (https://no-color.org).
func (c *command) noColour() bool {
	text, _ := c.env("NO_COLOR")
	return text != ""
}

// follow shows the last events of a query, and then each one that comes.
func (c *command) follow(ctx context.Context, running *client.Client, q url.Values, last int, out tailOutput) error {
	after := ""
	if last > 0 {
		past, err := listEvents(ctx, running, q, last)
		if err != nil {
			return err
		}
		q.Del("limit")
		q.Del("before")
		slices.Reverse(past)
		for _, e := range past {
			if err := out.event(e); err != nil {
				return err
			}
			after = fmt.Sprint(e.Seq)
		}
	}
	for begun := false; ; begun = true {
		cursor, err := running.Live(ctx, q, after, out.message)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !errors.Is(err, client.ErrAway) || !begun && cursor == after {
			return err
		}
		fmt.Fprintf(c.stderr, "hookline: %v; trying again\n", err)
		if after, err = c.reconnect(ctx, running, cursor); err != nil {
			return err
		}
	}
}

// reconnect waits until the console answers again.
func (c *command) reconnect(ctx context.Context, running *client.Client, cursor string) (string, error) {
	tick := time.NewTicker(tailPause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return cursor, ctx.Err()
		}
		var page api.Events
		err := running.Get(ctx, "events", url.Values{"limit": {"1"}}, &page)
		if !errors.Is(err, client.ErrAway) {
			return cursor, err
		}
	}
}

// tailOutput writes entries of a live stream.
type tailOutput struct {
	c            *command
	json, colour bool
}

func (o tailOutput) message(m client.Message) error {
	switch m.Name {
	case "problem":
		p := &api.Problem{}
		if err := json.Unmarshal(m.Data, p); err != nil {
			return err
		}
		return p
	case "stored":
		var e api.Event
		if err := json.Unmarshal(m.Data, &e); err != nil {
			return fmt.Errorf("the console's entry cannot be read: %w", err)
		}
		return o.event(e)
	}
	return nil // an entry of a later version
}

func (o tailOutput) event(e api.Event) error {
	if o.json {
		return json.NewEncoder(o.c.stdout).Encode(e)
	}
	line := fmt.Sprintf("%s  %s  %s", shortTime(e.Time), e.Source+"."+e.Action, e.ID)
	if routes := routeWords(e.Routes); routes != "" {
		line += "  " + routes
	}
	return o.line(string(e.State), line)
}

// line writes a line with a state, in the state's colour on a terminal. Texts of senders are escaped first, so that they bring no colours of
// their own.
func (o tailOutput) line(state, rest string) (err error) {
	if !o.colour {
		_, err = fmt.Fprintf(o.c.stdout, "%-8s  %s\n", state, oneLine(rest))
		return err
	}
	_, err = io.WriteString(o.c.stdout.Unwrap(), fmt.Sprintf("\x1b[%sm%-8s\x1b[0m  %s\n", stateColour(state), state, oneLine(rest)))
	return err
}

// stateColour returns the parameter of the terminal's sequence for a state.
func stateColour(state string) string {
	switch state {
	case "done":
		return "32" // green
	case "failing", "retried":
		return "33" // yellow
	case "dead":
		return "31" // red
	case "unrouted":
		return "35" // magenta
	case "filtered":
		return "2" // faint
	}
	return "36" // cyan
}
