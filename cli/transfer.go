package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/alma/transfer"
	"github.com/hookline/hookline/app"
)

func (c *command) transfer() *cobra.Command {
	var job transfer.Job
	cmd := &cobra.Command{
		Use:     "transfer ROUTE --job ID [--link NAME]",
		GroupID: "look",
		Short:   "Transfer the files of a job again",
		Long: `Fetch, convert and deliver the files of a job again, as the route's transfer does for an event. The transfer runs in this
process and has no time limit. It replaces files that were delivered before, also where write.existing forbids this.

The files of a publishing job are found by the job's ID. The files of an export are found by the name that the counter of
the event gives: pass this name with --link.`,
		Example: `  hookline transfer to-index --job 6587815790006421
  hookline transfer to-box --job 6587815790006421 --link BIB_6587815400006421`,
		Args: args(cobra.ExactArgs(1)), ValidArgsFunction: c.completeRoutes,
		RunE: func(cmd *cobra.Command, given []string) error {
			if job.ID == "" {
				return usage(errors.New("--job is missing: the ID of the job, job_instance.id in its event"))
			}
			log, err := c.logger()
			if err != nil {
				return err
			}
			conf, err := c.load(log)
			if err != nil {
				return err
			}
			if err := knownRoute(conf, given[0], false, nil); err != nil {
				return err
			}
			if err := app.Transfer(cmd.Context(), conf, given[0], job); err != nil {
				return err
			}
			fmt.Fprintf(c.stdout, "transferred job %s\n", job.ID)
			return nil
		},
	}
	cmd.Flags().StringVar(&job.ID, "job", "", "`ID` of the job, job_instance.id in its event")
	cmd.Flags().StringVar(&job.Link, "link", "", "base `NAME` of an export's files, without _1.xml")
	return cmd
}
