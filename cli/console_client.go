package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/console"
	"github.com/hookline/hookline/console/client"
)

// consoleFlags name the console of a running process.
type consoleFlags struct{ url, tokenFile string }

func (f *consoleFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.url, "console", "", "`URL` of the console of a running process (default: console.listen of the configuration)")
	cmd.Flags().StringVar(&f.tokenFile, "token-file", "", "`FILE` with the console's token (default: console/token in the data folder)")
}

// console returns a client of the running process that serves the console.
func (c *command) console(f consoleFlags) (*client.Client, error) {
	if f.url != "" && f.tokenFile != "" {
		return newClient(f.url, f.tokenFile)
	}
	conf, err := c.loadBroker()
	if err != nil {
		return nil, err
	}
	if f.tokenFile == "" {
		f.tokenFile = filepath.Join(conf.Data, "console", console.TokenFile)
	}
	if f.url == "" {
		if f.url, err = consoleURL(conf); err != nil {
			return nil, err
		}
	}
	return newClient(f.url, f.tokenFile)
}

// consoleURL returns the address of the console of a configuration, as this machine reaches it.
func consoleURL(conf *config.Config) (string, error) {
	if conf.Console.Listen == "" {
		return "", usage(errors.New("the configuration has no console: set console.listen, or name the console of another process with --console"))
	}
	host, port, err := net.SplitHostPort(conf.Console.Listen)
	if err != nil {
		return "", usage(fmt.Errorf("console.listen: %w", err))
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

func newClient(address, tokenFile string) (*client.Client, error) {
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, usage(fmt.Errorf("--console %q: begin the URL with https:// or http://, as in http://127.0.0.1:8090", address))
	}
	token, err := os.ReadFile(tokenFile)
	if err != nil && !os.IsNotExist(err) { // a console without a login has none
		return nil, fmt.Errorf("the console's token: %w (run this as the user of Hookline, or name a copy with --token-file)", err)
	}
	return client.New(base, strings.TrimSpace(string(token)), personName()), nil
}

// personName is the name of the person who runs the command, for the log of who did what.
func personName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// nobodyAnswers adds the next step to the error of a console that does not answer.
func nobodyAnswers(err error, otherwise string) error {
	if !errors.Is(err, client.ErrAway) {
		return err
	}
	return fmt.Errorf("%w\nIs `hookline run` or `hookline console` running? Name its address with --console, as in --console http://127.0.0.1:8090.%s", err, otherwise)
}

// withConsole calls do with a client of the running process.
func (c *command) withConsole(cmd *cobra.Command, f consoleFlags, otherwise string, do func(context.Context, *client.Client) error) error {
	running, err := c.console(f)
	if err != nil {
		return err
	}
	err = nobodyAnswers(do(cmd.Context(), running), otherwise)
	if err != nil && cmd.Context().Err() != nil {
		return interrupted(err)
	}
	return err
}
