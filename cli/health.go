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
		Short:   "Ask a running process whether it is ready",
		Long: `Ask a running process, on its private listener, whether it can store events now. Use it for health checks in containers.
Of the configuration it reads private_listen only. Without a readable configuration it asks ` + config.Defaults().PrivateListen + `.`,
		Example: `  hookline health
  hookline health --url http://127.0.0.1:9090`,
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
				return errors.Join(fmt.Errorf("no answer: %w (is it running, and is this its private_listen?)", err), unread)
			}
			defer answer.Body.Close()
			text, err := io.ReadAll(io.LimitReader(answer.Body, 16<<10))
			if err == nil && answer.StatusCode != http.StatusOK {
				err = errors.New(strings.TrimSpace(string(text)))
			}
			if err == nil {
				fmt.Fprint(c.stdout, string(text))
			}
			return err
		},
	}
	cmd.Flags().StringVar(&address, "url", "", "`URL` of the private listener, http://HOST:PORT (default: private_listen of the configuration)")
	return cmd
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
