package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/console/api"
	"github.com/hookline/hookline/console/client"
)

func (c *command) events() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "events",
		GroupID: "look",
		Short:   "List, show and export events of the past",
		Long: `The journal keeps each event that was stored and each attempt that ended, also of events that are done. "list" and "show"
ask the running process by the API of its console, and "export" reads the journal's file. "hookline tail" shows events as they come.`,
	}
	group(cmd)
	cmd.AddCommand(c.eventsList(), c.eventsShow(), c.eventsExport())
	return cmd
}

// eventFilter holds the flags that choose events of the journal.
type eventFilter struct {
	search, source, action, route, state string
	since, until                         time.Time
}

func (f *eventFilter) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.search, "search", "", "only events with these `WORDS` in ID, body or errors; the last word may be the begin of one")
	flags.StringVar(&f.source, "source", "", "only events of the source with this `NAME`")
	flags.StringVar(&f.action, "action", "", "only events with this `ACTION`")
	flags.StringVar(&f.route, "route", "", "only events with an attempt on the route with this `NAME`")
	flags.StringVar(&f.state, "state", "", "only events in this `STATE`: waiting, done, filtered, unrouted, failing or dead")
}

func (f *eventFilter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"text": f.search, "source": f.source, "action": f.action, "route": f.route, "state": f.state} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, t := range map[string]time.Time{"from": f.since, "to": f.until} {
		if !t.IsZero() {
			q.Set(name, t.Format(time.RFC3339))
		}
	}
	return q
}

func (c *command) eventsList() *cobra.Command {
	var f eventFilter
	var at consoleFlags
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List events, newest first",
		Example: `  hookline events list
  hookline events list --source alma --state dead --since 24h
  hookline events list --search "export 4711"`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withConsole(cmd, at, "", func(ctx context.Context, running *client.Client) error {
				found, err := listEvents(ctx, running, f.query(), limit)
				if err != nil {
					return err
				}
				if asJSON {
					return c.json(found)
				}
				return c.eventTable(found, limit)
			})
		},
	}
	f.flags(cmd)
	sinceFlag(cmd, &f.since, "only events received")
	untilFlag(cmd, &f.until, "only events received")
	limitFlag(cmd, &limit)
	jsonFlag(cmd, &asJSON)
	at.flags(cmd)
	_ = cmd.RegisterFlagCompletionFunc("route", c.completeRoutes)
	return cmd
}

// maxEventPage is the number of events that the API returns in a page at most.
const maxEventPage = 500

// listEvents returns the newest events of a query, limit at most.
func listEvents(ctx context.Context, running *client.Client, q url.Values, limit int) ([]api.Event, error) {
	all := []api.Event{} // not nil, which would be null in JSON
	for {
		q.Set("limit", strconv.Itoa(min(limit-len(all), maxEventPage)))
		var page api.Events
		if err := running.Get(ctx, "events", q, &page); err != nil {
			return all, err
		}
		all = append(all, page.Events...)
		if page.Next == "" || len(all) >= limit {
			return all, nil
		}
		q.Set("before", page.Next)
	}
}

func (c *command) eventTable(found []api.Event, limit int) error {
	t := table{header: []string{"RECEIVED", "NUMBER", "SOURCE", "ACTION", "STATE", "ROUTES", "ID"}, wraps: []int{3, 5, 6}}
	for _, e := range found {
		t.add(shortTime(e.Time), strconv.FormatInt(e.Seq, 10), e.Source, e.Action, string(e.State), routeWords(e.Routes), e.ID)
	}
	return c.printList(t, limit, "The journal has no such events.")
}

// routeWords names the routes of an event; those that failed with their state.
func routeWords(routes []api.RouteState) string {
	var words []string
	for _, r := range routes {
		word := r.Route
		if r.State != "done" {
			word += " " + string(r.State)
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

func (c *command) eventsShow() *cobra.Command {
	var at consoleFlags
	var source, action string
	var body, asJSON bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show an event with its body and every attempt",
		Long: `Show an event: its headers, its body, and every attempt on every route. ID is that of the event, or its number in
"hookline events list".`,
		Example: `  hookline events show 8c2f4f3e-6d44-4c9a-a5d9-17a2f0d3b1f7
  hookline events show 4711 --body > body.json`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			return c.withConsole(cmd, at, "", func(ctx context.Context, running *client.Client) error {
				seq, err := findEvent(ctx, running, given[0], source, action)
				if err != nil {
					return err
				}
				var e api.EventDetail
				if err := running.Get(ctx, "events/"+strconv.FormatInt(seq, 10), nil, &e); err != nil {
					return err
				}
				switch {
				case body:
					return c.printEventBody(e)
				case asJSON:
					return c.json(e)
				}
				return c.eventDetail(e)
			})
		},
	}
	cmd.Flags().StringVar(&source, "source", "", "only an event of the source with this `NAME`")
	cmd.Flags().StringVar(&action, "action", "", "only an event with this `ACTION`")
	bodyFlag(cmd, &body)
	jsonFlag(cmd, &asJSON)
	at.flags(cmd)
	return cmd
}

// findEvent returns the number of an event by its ID, or by its number.
func findEvent(ctx context.Context, running *client.Client, id, source, action string) (int64, error) {
	q := url.Values{"id": {id}}
	if source != "" {
		q.Set("source", source)
	}
	if action != "" {
		q.Set("action", action)
	}
	found, err := listEvents(ctx, running, q, 10)
	if err != nil {
		return 0, err
	}
	seq, notANumber := strconv.ParseInt(id, 10, 64)
	switch {
	case len(found) == 1:
		return found[0].Seq, nil
	case len(found) == 0 && notANumber == nil:
		return seq, nil
	case len(found) == 0:
		return 0, fmt.Errorf("the journal has no event with the ID %s; `hookline events list` shows those that it has", oneLine(id))
	}
	var lines strings.Builder
	for _, e := range found {
		fmt.Fprintf(&lines, "\n  %d  %s.%s  received %s", e.Seq, oneLine(e.Source), oneLine(e.Action), shortTime(e.Time))
	}
	return 0, usage(fmt.Errorf("%d events have the ID %s:%s\nGive the number of one instead of the ID", len(found), oneLine(id), &lines))
}

func (c *command) printEventBody(e api.EventDetail) error {
	if e.Body == nil {
		return errors.New("there is no body: " + e.NoBody)
	}
	data, err := e.Body.Bytes()
	if err != nil {
		return err
	}
	if app.IsTerminal(c.stdout) {
		_, err = fmt.Fprintf(c.stdout, "%s\n", data)
	} else {
		_, err = c.stdout.Unwrap().Write(data)
	}
	return err
}

// eventDetail prints an event for people.
func (c *command) eventDetail(e api.EventDetail) error {
	t := table{wraps: []int{1}}
	t.add("ID", e.ID)
	t.add("number", strconv.FormatInt(e.Seq, 10))
	t.add("source", e.Source)
	t.add("action", e.Action)
	t.add("received", shortTime(e.Time)+" by "+e.Process)
	t.add("state", string(e.State))
	if e.Secret != "" {
		t.add("secret", e.Secret)
	}
	t.add("content", fmt.Sprintf("%s, %d bytes", e.ContentType, e.Size))
	var names []string
	for name := range e.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.add(name, e.Header[name])
	}
	if err := c.printTable(t); err != nil {
		return err
	}
	if err := c.attemptTable(e.History); err != nil {
		return err
	}
	if e.Body == nil {
		c.say("\nNo body: %s.", e.NoBody)
		return nil
	}
	if e.Body.Encoding != api.AsText {
		c.say("\nThe body is not text; --body writes it.")
		return nil
	}
	fmt.Fprintf(c.stdout, "\n%s\n", e.Body.Content)
	return nil
}

func (c *command) attemptTable(history []api.Attempt) error {
	if len(history) == 0 {
		c.say("\nNo attempt has ended.")
		return nil
	}
	fmt.Fprintln(c.stdout)
	t := table{header: []string{"STARTED", "ROUTE", "ATTEMPT", "OUTCOME", "TOOK", "ERROR"}, wraps: []int{5}}
	for _, a := range history {
		took := time.Duration(a.Duration * float64(time.Millisecond)).Round(time.Millisecond)
		text := a.Error
		if !a.Next.IsZero() {
			text += " (next attempt " + shortTime(a.Next) + ")"
		}
		t.add(shortTime(a.Start), a.Route, strconv.Itoa(a.Number), string(a.Outcome), took.String(), text)
	}
	return c.printTable(t)
}
