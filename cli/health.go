package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
)

func (c *command) health() *cobra.Command {
	var address string
	cmd := &cobra.Command{
		Use:     "health",
		GroupID: "look",
		Short:   "Ask a running process whether it is ready",
		Long: `Ask a running process, on its private listener, whether it can store events now. Use it for health checks in containers.
Without --url it also asks the other processes on this machine that share the configuration, at the next nine ports. All have to be
ready.

Of the configuration it reads private_listen only. Without a readable configuration it asks ` + config.Defaults().PrivateListen + `.`,
		Example: `  hookline health
  hookline health --url http://127.0.0.1:9090`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			listen, unread := config.NewFile(c.configFile(), c.env, nil).PrivateListen()
			if address != "" {
				unread = nil
			}
			listen = cmp.Or(listen, config.Defaults().PrivateListen)
			target, err := readyURL(cmp.Or(address, app.HealthURL(listen)))
			if err != nil {
				return err
			}
			text, err := ready(cmd.Context(), target)
			if errors.Is(err, errNoAnswer) {
				return errors.Join(err, unread)
			}
			var others []string
			if address == "" {
				others = neighbours(cmd.Context(), listen)
			}
			if len(others) == 0 {
				fmt.Fprint(c.stdout, text)
				return err
			}
			return c.healthOf(cmd.Context(), append([]string{listen}, others...))
		},
	}
	cmd.Flags().StringVar(&address, "url", "", "`URL` of the private listener, http://HOST:PORT (default: private_listen of the configuration, and the ports after it)")
	return cmd
}

// errNoAnswer says that nothing answers at an address.
var errNoAnswer = errors.New("no answer")

// ready returns a process's own words about its readiness; as an error if it is not ready.
func ready(ctx context.Context, url string) (text string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", usage(err)
	}
	answer, err := (&http.Client{Timeout: 5 * time.Second}).Do(request)
	if err != nil {
		return "", fmt.Errorf("%w: %w (is it running, and is this its private_listen?)", errNoAnswer, err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, 16<<10))
	if err == nil && answer.StatusCode != http.StatusOK {
		return "", errors.New(strings.TrimSpace(string(said)))
	}
	return string(said), err
}

// neighboursTime bounds the search for other processes, so that a health check stays short.
const neighboursTime = 2 * time.Second

// neighbours returns the addresses after listen at which a process of Hookline answers. Another program may have such a port.
func neighbours(ctx context.Context, listen string) (found []string) {
	ctx, cancel := context.WithTimeout(ctx, neighboursTime)
	defer cancel()
	for _, address := range app.NextAddresses(listen)[1:] {
		if _, err := app.AskPaused(ctx, address); err == nil {
			found = append(found, address)
		}
	}
	return found
}

// healthOf asks several processes, and begins their words with their addresses.
func (c *command) healthOf(ctx context.Context, addresses []string) error {
	var errs []error
	for _, address := range addresses {
		text, err := ready(ctx, app.HealthURL(address))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", address, err))
			continue
		}
		fmt.Fprintf(c.stdout, "%s: %s", address, text)
	}
	return errors.Join(errs...)
}

// readyURL completes an address by the path of the readiness check, unless it has a path.
func readyURL(address string) (string, error) {
	u, err := parseURL(address)
	if err != nil {
		return "", err
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = app.ReadyPath
	}
	return u.String(), nil
}
