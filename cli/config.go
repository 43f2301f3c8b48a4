package cli

import (
	"cmp"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/hookline/hookline/app/config"
)

func (c *command) config() *cobra.Command {
	cmd := &cobra.Command{Use: "config", GroupID: "setup", Short: "Check and show the configuration"}
	group(cmd)
	cmd.AddCommand(c.configCheck(), c.configShow(), c.configSchema(), c.configSecret())
	return cmd
}

func (c *command) configCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Report every error with file, line and key",
		Long:  `Report every error with file, line and key. A valid setting that looks like a mistake is a warning. Exit code 0 without errors.`,
		Example: `  hookline config check
  hookline config check /etc/hookline/hookline.yml`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, given []string) error {
			if len(given) > 0 {
				c.file = given[0]
			}
			conf, err := c.load(zap.NewNop())
			if err != nil {
				return err
			}
			for _, w := range conf.Warnings() {
				fmt.Fprintln(c.stderr, "warning:", w)
			}
			fmt.Fprintf(c.stdout, "%s: ok: %s, %s\n", cmp.Or(c.configFile(), "built-in configuration"),
				counted(len(conf.Sources)+len(conf.Schedules), "source"), counted(len(conf.Routes), "route"))
			return nil
		},
	}
}

// counted returns a number with its noun: 1 route, 2 routes.
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

func (c *command) configShow() *cobra.Command {
	var asJSON, builtIn bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show the configuration in force",
		Long: `Show the configuration in force, with the defaults and without secrets. Of a handler it shows the kind only, because any
other field may hold a secret.`,
		Example: `  hookline config show
  hookline config show --default > hookline.yml    # begin your own`,
		Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if builtIn {
				_, err := c.stdout.Write(config.DefaultText())
				return err
			}
			conf, err := c.load(zap.NewNop())
			if err != nil {
				return err
			}
			if asJSON {
				shown, err := conf.Show()
				if err != nil {
					return err
				}
				return c.json(shown)
			}
			text, err := conf.YAML()
			if err != nil {
				return err
			}
			_, err = c.stdout.Write(text)
			return err
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&builtIn, "default", false, "show the text of the built-in configuration")
	return cmd
}

func (c *command) configSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration file",
		Long: `Print the JSON Schema of the configuration file. Editors use it to complete and check hookline.yml: save the schema beside
hookline.yml, and begin hookline.yml with "# yaml-language-server: $schema=hookline.schema.json".`,
		Example: "  hookline config schema > hookline.schema.json",
		Args:    args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			_, err := c.stdout.Write(config.Schema())
			return err
		},
	}
}

func (c *command) configSecret() *cobra.Command {
	var quiet, show bool
	cmd := &cobra.Command{
		Use:   "secret FILE",
		Short: "Make a secret in a file, and print it once",
		Long: `Make FILE with a new secret, readable by you only, and print the secret for the sender's form. If FILE exists, it stays as it
is, and only --show prints its secret. In hookline.yml write "secrets_file: FILE".`,
		Example: `  hookline config secret secrets/alma
  hookline config secret secrets/alma --show`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, given []string) error {
			made, err := ensureSecret(given[0])
			switch {
			case err != nil:
				return err
			case show || made && !quiet:
				return c.printSecret(given[0])
			case made:
				fmt.Fprintf(c.stdout, "%s has a new secret; --show prints it\n", given[0])
			default:
				fmt.Fprintf(c.stdout, "%s has a secret already; --show prints it\n", given[0])
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&quiet, "quiet", false, "do not print a new secret, for commands whose output is logged")
	cmd.Flags().BoolVar(&show, "show", false, "print the secret also if FILE exists")
	cmd.MarkFlagsMutuallyExclusive("quiet", "show")
	return cmd
}

// printSecret prints the secret in a file.
func (c *command) printSecret(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "%s (stored in %s)\n", strings.TrimSpace(string(text)), file)
	return nil
}
