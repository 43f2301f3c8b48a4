package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (c *command) health() *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use:     "health",
		GroupID: "look",
		Short:   "Ask a running process whether it can store and get events",
		Long:    `Ask a running process, over its private listener, whether it is ready. For health checks in containers.`,
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			request, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, url, nil)
			if err != nil {
				return usage(err)
			}
			answer, err := (&http.Client{Timeout: 5 * time.Second}).Do(request)
			if err != nil {
				return fmt.Errorf("%w (is it running, and is private_listen this address?)", err)
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
	cmd.Flags().StringVar(&url, "url", "http://127.0.0.1:9090/readyz", "the private listener's /readyz")
	return cmd
}
