package rabbitnode

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const image = "rabbitmq:4-management"

// removeAtEnd removes the container when the test process has ended.
const removeAtEnd = `read -r order; docker rm -f -v "$0"; [ -z "$REMOVE" ] || rm -rf "$REMOVE"`

// container is a server that runs in Docker.
type container struct {
	process // runs removeAtEnd
	name    string
	dir     string
	env     []string
	run     []string
}

func dockerWorks(ctx context.Context) bool {
	return exec.CommandContext(ctx, "docker", "version").Run() == nil
}

func newContainer(dir, removeDir string, ports []int, lines []string) (*container, error) {
	conf := filepath.Join(dir, "rabbitnode.conf")
	text := strings.Join(append([]string{"loopback_users = none", "disk_free_limit.absolute = 50MB"}, lines...), "\n") + "\n"
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		return nil, err
	}
	name := "rabbitnode-" + strings.ToLower(rand.Text()[:10])
	return &container{
		name: name,
		dir:  dir,
		env:  append(os.Environ(), "REMOVE="+removeDir),
		run: []string{
			"run", "--detach", "--name", name, "--hostname", "rabbitnode",
			"--publish", fmt.Sprintf("127.0.0.1:%d:5672", ports[0]),
			"--publish", fmt.Sprintf("127.0.0.1:%d:15672", ports[1]),
			"--volume", conf + ":/etc/rabbitmq/conf.d/90-rabbitnode.conf:ro",
			image,
		},
	}, nil
}

// start creates the container the first time, and later starts the same one again, so that it keeps its data.
func (c *container) start() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	if c.cmd != nil {
		return docker(ctx, "start", c.name)
	}
	if err := c.process.start(c.env, filepath.Join(c.dir, "output"), removeAtEnd, c.name); err != nil {
		return err
	}
	return docker(ctx, c.run...)
}

func (c *container) stop(ctx context.Context) error {
	return docker(ctx, "stop", "--time", "60", c.name)
}

func (c *container) kill() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return docker(ctx, "kill", c.name)
}

func (c *container) remove() error {
	if c.cmd == nil {
		return nil
	}
	_ = c.stdin.Close()
	<-c.done
	return nil
}

// tool runs as the broker's own user, because root could create an Erlang cookie that the broker cannot read.
func (c *container) tool(ctx context.Context, name string, args ...string) error {
	return docker(ctx, append([]string{"exec", "--user", "rabbitmq", c.name, name}, args...)...)
}

func docker(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("rabbitnode: docker %s: %w: %s", args[0], err, out)
	}
	return nil
}
