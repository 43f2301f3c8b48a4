// Command withrabbitmq runs a command with a RabbitMQ to test against:
//
//	go run ./test/withrabbitmq -- go test -race ./...
//
// It starts a broker, sets HOOKLINE_TEST_AMQP and HOOKLINE_TEST_RABBITMQ_API, runs the command, stops the broker and exits with
// the command's code. If both variables are set already, it only runs the command. If rabbitmq-server is missing, it installs
// the system's package, or uses Docker.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/hookline/hookline/test/rabbitnode"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "withrabbitmq:", err)
	}
	os.Exit(code)
}

func run(args []string) (code int, err error) {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return 2, errors.New("no command given; try: go run ./test/withrabbitmq -- go test -race ./pkg")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if os.Getenv(rabbitnode.EnvAMQP) != "" && os.Getenv(rabbitnode.EnvAPI) != "" {
		return command(ctx, args)
	}
	if _, ok := rabbitnode.Installed(); !ok && os.Getenv(rabbitnode.EnvDocker) == "" {
		if err := install(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "withrabbitmq: rabbitmq-server cannot be installed, trying Docker:", err)
		}
	}
	dir, err := os.MkdirTemp("", "withrabbitmq-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	starting, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	node, err := rabbitnode.Run(starting, rabbitnode.Options{Dir: dir})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, node.Remove()) }()
	return command(ctx, args,
		rabbitnode.EnvAMQP+"="+node.URL(),
		rabbitnode.EnvAPI+"="+node.API())
}

// command runs args and returns the exit code. When ctx ends, the command gets SIGTERM, and SIGKILL ten seconds later.
func command(ctx context.Context, args []string, env ...string) (int, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode(), nil
	}
	return 1, err
}
