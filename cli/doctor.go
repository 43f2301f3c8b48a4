package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/hookline/hookline/alma/doctor"
	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/sender"
)

func (c *command) doctor() *cobra.Command {
	cmd := &cobra.Command{Use: "doctor", GroupID: "setup", Short: "Find mistakes in a set-up"}
	group(cmd)
	cmd.AddCommand(c.doctorAlma())
	return cmd
}

func (c *command) doctorAlma() *cobra.Command {
	var url string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "alma [SOURCE]",
		Short: "Test a receiver as Alma would, and name the line of Alma's form to correct",
		Long: `Test a running receiver as Alma would: the URL and its certificate, the challenge, a signed event, an event with a wrong
signature and one without a signature, the answer times, and the clock. Then test the API key of each institution and
its rights. SOURCE is the source with Alma's secret; the default is alma.

The signed event is real and has the action hookline_doctor. Routes for all events ("#") handle it; without such a route
it stays in "hookline unrouted". The test runs on this machine, so it cannot show that a firewall lets Alma in.

Exit code 0 if nothing failed, else 1.`,
		Example: `  hookline doctor alma --url https://hooks.example.org    # Alma's way
  hookline doctor alma                                    # its public_url`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			source := "alma"
			if len(given) > 0 {
				source = given[0]
			}
			if url != "" {
				if _, err := parseURL(url); err != nil {
					return err
				}
			}
			found, err := c.examine(cmd.Context(), source, url)
			if err != nil {
				return err
			}
			return c.findings(found, asJSON)
		},
	}
	cmd.Flags().StringVar(&url, "url", "", "the receiver's `URL` in Alma's form, https://HOST (default: public_url, else the listen address of the configuration)")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (c *command) examine(ctx context.Context, name, url string) ([]doctor.Finding, error) {
	conf, err := c.load(zap.NewNop())
	if err != nil {
		return nil, err
	}
	source, ok := conf.Sources[name]
	if !ok || source.Preset != "alma" {
		return nil, usage(fmt.Errorf("no source %q with the preset alma in the configuration; `hookline config show` lists them", name))
	}
	clients, err := app.Institutions(conf.Alma)
	if err != nil {
		return nil, usage(err)
	}
	target := sender.Target{URL: app.WebhookURL(conf, name, cmp.Or(url, conf.PublicURL)), Deadline: source.Deadline}
	found := doctor.Webhook{Target: target, Verifier: conf.CheckedSources.Verifier(name)}.Examine(ctx)
	for _, institution := range slices.Sorted(maps.Keys(clients)) {
		found = append(found, doctor.Key(ctx, institution, clients[institution], conf.Alma[institution].Reserve)...)
	}
	return found, nil
}

func (c *command) findings(found []doctor.Finding, asJSON bool) error {
	if asJSON {
		if err := c.json(found); err != nil {
			return err
		}
	} else {
		t := table{header: []string{"", "LINE OF ALMA'S FORM", "FINDING"}, wraps: []int{1, 2}}
		for _, f := range found {
			t.add(string(f.Status), f.Line, f.Text)
		}
		if err := c.printTable(t); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(found, func(f doctor.Finding) bool { return f.Status == doctor.Failed }) {
		return exitError{code: ExitFailed}
	}
	return nil
}
