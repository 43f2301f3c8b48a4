// Package cli is the command line. Each command has a file and is a thin user of package app.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/text"
)

// Exit codes.
const (
	ExitOK          = 0
	ExitFailed      = 1 // the command failed
	ExitUsage       = 2 // the command line or the configuration is wrong: nothing was tried
	ExitDiffers     = 3 // `topology plan` or `apply`: RabbitMQ differs from the configuration; `what-if`: two configurations differ
	ExitUnaccounted = 4 // `audit`: stored events are unaccounted for, or elsewhere
	ExitAnew        = 5 // `audit`: counting began anew, and nobody has acknowledged it; or some open events are counted by number
	ExitNewer       = 6 // `audit`: the ledger has notes of a newer Hookline

	ExitInterrupted = 130 // Ctrl-C or SIGTERM interrupted a command that reads or changes undelivered events: 128 + SIGINT
)

// Program is a build of hookline.
type Program struct {
	// Version of a release; empty: the version of the module, or dev.
	Version string
	// Handlers are kinds of handlers beside the built-in ones.
	Handlers handler.Registry
}

// Main runs the command line of the process and returns its exit code. The first SIGINT or SIGTERM begins a clean stop;
// one that comes more than a second later ends the process at once.
func (p Program) Main() int {
	return p.Run(stopOnSignal(), os.Args[1:], os.Stdout, os.Stderr)
}

// Run runs one command line until it ends or ctx ends, and returns its exit code.
func (p Program) Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := p.command(stdout, stderr)
	stderr = text.NewWriter(stderr)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var exit exitError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &exit):
		if exit.err != nil {
			fmt.Fprintln(stderr, "hookline:", exit.err)
		}
		return exit.code
	}
	fmt.Fprintf(stderr, "hookline: %v\n", err)
	return ExitFailed
}

// Command returns the whole command line, for a generator of its reference.
func (p Program) Command() *cobra.Command {
	root := p.command(io.Discard, io.Discard)
	root.InitDefaultCompletionCmd()
	return root
}

func (p Program) command(stdout, stderr io.Writer) *cobra.Command {
	c := &command{program: p, stdout: text.NewWriter(stdout), stderr: text.NewWriter(stderr), env: os.LookupEnv, startedAs: os.Args[0]}
	return c.root()
}

// exitError ends the program with an exit code. A nil err prints nothing.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string { return fmt.Sprint(e.err) }
func (e exitError) Unwrap() error { return e.err }

func usage(err error) error { return exitError{ExitUsage, err} }

// command holds the output and the flags that all commands share.
type command struct {
	program        Program
	stdout, stderr *text.Writer // because senders wrote some of the texts
	env            config.Env
	startedAs      string // os.Args[0]

	file, logLevel, logFormat string
}

func (c *command) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "hookline",
		Short: "Receive webhooks, store each one, handle it",
		Long: `Hookline receives webhooks over HTTP and stores each one before it answers 200. Any number of workers handle the
stored events.

Without --config, Hookline reads hookline.yml in the current folder. If this file does not exist, Hookline uses its
built-in configuration: the source "alma", and a route that writes each event to a file under data/export.

Exit codes:

- 0: done
- 1: failed
- 2: wrong usage or configuration; nothing was done
- 3: "topology plan", "topology apply" or "what-if" found differences
- 4: "audit" found stored events that are unaccounted for, or on another broker
- 5: "audit" counts anew since some time, and nobody has acknowledged it yet; or too many events are open to check each
- 6: "audit" found notes of a newer Hookline
- 130: Ctrl-C or SIGTERM interrupted a command at the broker; it says how far it came`,
		Example: `  hookline run                  # receiver, worker and console in one process
  hookline send alma job_end    # send a signed test event to it
  hookline queues               # show the waiting, failed and unrouted events`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	group(root)
	c.foldHelp(root)
	flags := root.PersistentFlags()
	flags.StringVarP(&c.file, "config", "c", "", "configuration `FILE` (default: $HOOKLINE_CONFIG, else hookline.yml if it exists)")
	flags.StringVar(&c.logLevel, "log-level", "info", "log from this `LEVEL` up: debug, info, warn or error")
	flags.StringVar(&c.logFormat, "log-format", "auto", "`FORMAT` of the log: json, console or auto; auto is console on a terminal, else json")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(fmt.Errorf("%w\nTry: %s --help", err, cmd.CommandPath()))
	})
	root.AddGroup(&cobra.Group{ID: "roles", Title: "Run it:"}, &cobra.Group{ID: "look", Title: "Look and decide:"}, &cobra.Group{ID: "setup", Title: "Set it up:"})
	root.AddCommand(
		c.run(), c.receiver(), c.worker(), c.consoleRole(),
		c.send(), c.tail(), c.events(), c.replay(), c.jobs(), c.queues(), c.routes(), c.dead(), c.unrouted(), c.forget(), c.transfer(), c.audit(), c.health(),
		c.topology(), c.move(), c.config(), c.whatIf(), c.doctor(), c.version(),
	)
	return root
}

// group makes cmd a parent of other commands: alone it prints its help, and an unknown command below it is wrong usage.
func group(cmd *cobra.Command) {
	cmd.Args, cmd.DisableFlagsInUseLine = args(cobra.NoArgs), true
	cmd.SuggestionsMinimumDistance = 2
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// args turns the error of a check of positional arguments into a usage error that shows the usage and names the help.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if check(cmd, given) == nil {
			return nil
		}
		text := fmt.Sprintf("wrong number of arguments: %d", len(given))
		if name := missingArgument(cmd.Use, len(given)); name != "" {
			text = name + " is missing"
		}
		if cmd.HasAvailableSubCommands() {
			text = fmt.Sprintf("unknown command %q for %q", given[0], cmd.CommandPath())
			if near := cmd.SuggestionsFor(given[0]); len(near) > 0 {
				text += "; did you mean " + strings.Join(near, " or ") + "?"
			}
		}
		return usage(fmt.Errorf("%s\nUsage: %s\nTry: %s --help", text, cmd.UseLine(), cmd.CommandPath()))
	}
}

// missingArgument returns the name of the first required argument that is missing after given ones, or "". The names are
// the words in capitals at the begin of the usage, as in "show ROUTE ID".
func missingArgument(use string, given int) string {
	for i, name := range strings.Fields(use)[1:] {
		switch {
		case name != strings.ToUpper(name) || strings.ContainsAny(name[:1], "-[("):
			return ""
		case i == given:
			return name
		}
	}
	return ""
}

// load reads the configuration that the flags select.
func (c *command) load(log *zap.Logger) (*config.Config, error) {
	return c.read(c.open(prometheus.NewRegistry(), log).Read)
}

// loadBroker is load for commands that use only the broker. They need no secrets.
func (c *command) loadBroker() (*config.Config, error) {
	return c.read(c.open(prometheus.NewRegistry(), zap.NewNop()).ReadBroker)
}

func (c *command) open(reg prometheus.Registerer, log *zap.Logger) *config.File {
	return config.NewFile(c.configFile(), c.env, app.Kinds(c.env, reg, log, c.program.Handlers))
}

func (c *command) read(read func() (*config.Config, error)) (*config.Config, error) {
	if c.isNew() {
		return nil, usage(fmt.Errorf("there is no %s in this folder: start `hookline run` here first, or name a configuration with --config", secretFile(c.env)))
	}
	if file := c.configFile(); file != "" {
		if _, err := os.Stat(file); os.IsNotExist(err) {
			return nil, usage(fmt.Errorf("%[1]s does not exist; `hookline config show --default > %[1]s` begins one", file))
		}
	}
	loaded, err := read()
	if err != nil {
		return nil, usage(fmt.Errorf("the configuration cannot be used:\n%w", err))
	}
	return loaded, nil
}

// isNew reports whether there is neither a configuration file nor the secret of a first run.
func (c *command) isNew() bool {
	_, err := os.Stat(secretFile(c.env))
	return c.configFile() == "" && os.IsNotExist(err)
}

// configFile returns the file to read. Empty stands for the built-in configuration.
func (c *command) configFile() string {
	if c.file != "" {
		return c.file
	}
	if file, ok := c.env("HOOKLINE_CONFIG"); ok && file != "" {
		return file
	}
	if _, err := os.Stat("hookline.yml"); err == nil {
		return "hookline.yml"
	}
	return ""
}

func (c *command) logger() (*zap.Logger, error) {
	log, err := app.NewLogger(c.stderr, c.logLevel, c.logFormat)
	if err != nil {
		return nil, usage(err)
	}
	return log, nil
}

// json prints v.
func (c *command) json(v any) error {
	enc := json.NewEncoder(c.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
