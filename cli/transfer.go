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
		Short:   "Fetch, change and deliver the files of a job again",
		Long: `Do the transfer of a route again for a job, without an event, in this process and for as long as it takes. What was
delivered before is replaced, whatever the route's write.existing says.

Files of a publishing job are found by its ID. Those of an export are found by the name that the event's counter gives:

  hookline transfer to-index --job 6587815790006421
  hookline transfer to-dropbox --job 6587815790006421 --link BIBLIOGRAPHIC_6587815400006421`,
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
	cmd.Flags().StringVar(&job.ID, "job", "", "the job's ID")
	cmd.Flags().StringVar(&job.Link, "link", "", "the base name of an export's files, without _1.xml")
	return cmd
}
