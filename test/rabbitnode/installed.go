package rabbitnode

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// supervise runs the node in the background and reads its standard input. A line stops the node gracefully. The end of the
// input, at the end of the test process, kills the whole process group. The script starts epmd in the group, because a
// daemon that Erlang starts would outlive the node.
const supervise = `
exec 3<&0
epmd </dev/null >/dev/null 2>&1 3<&- &
"$0" </dev/null 3<&- & server=$!
{ read -r order <&3 && kill -TERM "$server" || { [ -z "$REMOVE" ] || rm -rf "$REMOVE"; kill -KILL 0; }; } &
wait "$server"
kill -KILL 0
`

// Installed finds the folder of RabbitMQ's own scripts. Debian's wrappers in /usr/sbin come last, because they change the user
// and drop the environment.
func Installed() (scripts string, ok bool) {
	folders := []string{"/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/opt/homebrew/opt/rabbitmq/sbin", "/usr/local/opt/rabbitmq/sbin"}
	if path, err := exec.LookPath("rabbitmq-server"); err == nil {
		folders = append(folders, filepath.Dir(path))
	}
	for _, folder := range append(folders, "/usr/sbin") {
		if _, err := os.Stat(filepath.Join(folder, "rabbitmq-server")); err == nil {
			return folder, true
		}
	}
	return "", false
}

// installed is a server that runs from the installed package.
type installed struct {
	process
	scripts, dir, removeDir string
	env                     []string
}

// identity holds the settings in which nodes differ.
type identity struct {
	name   string // NAME@HOST
	host   string // the address to listen on
	cookie string
	ports  []int    // AMQP, management, between nodes, epmd
	env    []string // more variables
}

// advanced shortens the 3 minutes after which RabbitMQ repeats a dead-lettering that a full queue has refused.
const advanced = "[{rabbit, [{dead_letter_worker_publisher_confirm_timeout, 10000}]}].\n"

func newInstalled(scripts, dir, removeDir string, id identity, lines []string) (*installed, error) {
	at := func(name string) string { return filepath.Join(dir, name) }
	conf := append([]string{
		fmt.Sprintf("listeners.tcp.1 = %s:%d", id.host, id.ports[0]),
		"management.tcp.ip = " + id.host,
		fmt.Sprintf("management.tcp.port = %d", id.ports[1]),
		"disk_free_limit.absolute = 50MB",
	}, lines...)
	for name, text := range map[string]string{
		"rabbitmq.conf":   strings.Join(conf, "\n") + "\n",
		"advanced.config": advanced,
		"enabled_plugins": "[rabbitmq_management].\n",
		".erlang.cookie":  id.cookie,
	} {
		if err := os.WriteFile(at(name), []byte(text), 0o400); err != nil {
			return nil, err
		}
	}
	var env []string
	for _, pair := range os.Environ() { // without the settings of another broker
		if !strings.HasPrefix(pair, "RABBITMQ_") && !strings.HasPrefix(pair, "ERL_") && !strings.HasPrefix(pair, "NOTIFY_SOCKET=") {
			env = append(env, pair)
		}
	}
	env = append(env,
		"HOME="+dir,
		"RABBITMQ_NODENAME="+id.name,
		fmt.Sprintf("RABBITMQ_NODE_PORT=%d", id.ports[0]),
		fmt.Sprintf("RABBITMQ_DIST_PORT=%d", id.ports[2]),
		fmt.Sprintf("ERL_EPMD_PORT=%d", id.ports[3]),
		"ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_CONF_ENV_FILE="+at("none"),
		"RABBITMQ_CONFIG_FILE="+at("rabbitmq.conf"),
		"RABBITMQ_CONFIG_FILES="+at("none.d"),
		"RABBITMQ_ADVANCED_CONFIG_FILE="+at("advanced.config"),
		"RABBITMQ_ENABLED_PLUGINS_FILE="+at("enabled_plugins"),
		"RABBITMQ_MNESIA_BASE="+at("data"),
		"RABBITMQ_LOG_BASE="+at("log"),
		"RABBITMQ_PID_FILE="+at("pid"),
	)
	return &installed{scripts: scripts, dir: dir, removeDir: removeDir, env: append(env, id.env...)}, nil
}

func (s *installed) start() error {
	return s.process.start(append(s.env, "REMOVE="+s.removeDir), filepath.Join(s.dir, "output"), supervise, filepath.Join(s.scripts, "rabbitmq-server"))
}

func (s *installed) tool(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.scripts, name), args...)
	cmd.Env = s.env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("rabbitnode: %s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

func (s *installed) remove() error { return s.kill() }
