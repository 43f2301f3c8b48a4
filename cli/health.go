package cli

import (
	"cmp"
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
		Short:   "Ask a running process whether it can store and get events",
		Long: `Ask a running process, over its private listener, whether it is ready. For health checks in containers. Of the
configuration it needs private_listen only; if that cannot be read, it asks ` + config.Defaults().PrivateListen + `.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			listen, unread := config.NewFile(c.configFile(), c.env, nil).PrivateListen()
			if address != "" {
				unread = nil
			}
			target, err := readyURL(cmp.Or(address, app.HealthURL(cmp.Or(listen, config.Defaults().PrivateListen))))
			if err != nil {
				return err
			}
			request, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, target, nil)
			if err != nil {
				return usage(err)
			}
			answer, err := (&http.Client{Timeout: 5 * time.Second}).Do(request)
			if err != nil {
				return errors.Join(fmt.Errorf("%w (is it running, and is private_listen this address?)", err), unread)
			}
			defer answer.Body.Close()
			text, err := io.ReadAll(io.LimitReader(answer.Body, 1024))
			if err == nil && answer.StatusCode != http.StatusOK {
				err = errors.New(strings.TrimSpace(string(text)))
			}
			if err == nil {
				fmt.Fprint(c.stdout, string(text))
			}
			return err
		},
	}
	cmd.Flags().StringVar(&address, "url", "", "the private listener, http://HOST:PORT (default: this configuration's private_listen)")
	return cmd
}

// readyURL is the address with the path that says whether a process is ready, if it has none of its own.
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
