package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
)

// confirmation asks before a command changes many events, or removes events for good. The flag --yes answers it.
type confirmation struct {
	does  string // the command's act, for the message that nobody can answer
	yes   bool
	stdin *os.File
	out   io.Writer
}

// confirmation returns a confirmation that cmd asks, and adds the flag --yes to cmd.
func (c *command) confirmation(cmd *cobra.Command) *confirmation {
	ask := &confirmation{does: "removes events for good", stdin: os.Stdin, out: c.stderr}
	cmd.Flags().BoolVar(&ask.yes, "yes", false, "go on without a question; without a terminal this is required")
	return ask
}

// check returns wrong usage if nobody can answer the question. Call it before the broker is asked for anything.
func (a *confirmation) check() error {
	if a.yes || app.IsTerminal(a.stdin) {
		return nil
	}
	return usage(fmt.Errorf("this %s and asks first, but there is no terminal for the answer: --yes goes on without the question", a.does))
}

// ask shows the text and waits for y or yes. Any other answer, and the end of ctx, is an error: nothing was changed.
func (a *confirmation) ask(ctx context.Context, text string) error {
	if a.yes {
		return nil
	}
	fmt.Fprint(a.out, fold(text+" [y/N] ", columns(a.out)))
	answered := make(chan string, 1)
	go func() { // it may wait for the terminal until the program ends
		line, _ := bufio.NewReader(a.stdin).ReadString('\n')
		answered <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case answer := <-answered:
		if answer == "y" || answer == "yes" {
			return nil
		}
	case <-ctx.Done():
		fmt.Fprintln(a.out)
	}
	return errors.New("nothing was changed")
}
