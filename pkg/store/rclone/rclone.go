// Package rclone stores files with an installed rclone (rclone.org): OneDrive, Google Drive, Azure Blob,
// Box and some 60 more. It writes a file under another name and moves it; the move is as atomic as rclone's is there.
package rclone

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"regexp"
	"strings"

	"github.com/hookline/hookline/pkg/store"
)

// Config is a location that an installed rclone knows.
type Config struct {
	// Remote is a remote of rclone's configuration and a folder in it: onedrive:exports.
	Remote string `yaml:"remote" schema:"required"`
	// Config is the path of rclone's configuration. Default: rclone's own.
	Config string `yaml:"config"`
	// Command is the program, which is searched for in PATH.
	Command string `yaml:"command" schema:"default=rclone"`
}

// The exit codes of rclone (rclone.org/docs/#exit-code).
const (
	exitNoFolder = 3
	exitNoFile   = 4
	exitFatal    = 7 // a repeat is useless
)

type location struct {
	remote string
	argv   []string
	env    []string
}

// New checks cfg. It starts no program. env is the whole environment of rclone.
func New(cfg Config, env []string) (store.Location, error) {
	remote, _, ok := strings.Cut(cfg.Remote, ":")
	if !ok || remote == "" || strings.HasPrefix(remote, "-") {
		return nil, errors.New(`remote: must be the name of a remote, ":" and a folder: "onedrive:exports"`)
	}
	p := &location{cfg.Remote, []string{"rclone"}, env}
	if cfg.Command != "" {
		p.argv[0] = cfg.Command
	}
	if cfg.Config != "" {
		p.argv = append(p.argv, "--config", cfg.Config)
	}
	return p, nil
}

// Connect returns p itself, because each run of rclone makes its own connection.
func (p *location) Connect(context.Context) (store.Conn, error) { return p, nil }

func (p *location) Close() error { return nil }

func (p *location) at(name string) string {
	switch {
	case name == "":
		return p.remote
	case strings.HasSuffix(p.remote, ":"), strings.HasSuffix(p.remote, "/"):
		return p.remote + name
	}
	return p.remote + "/" + name
}

func (p *location) List(ctx context.Context, dir string) (names []string, err error) {
	var out bytes.Buffer
	if err := p.run(ctx, nil, &out, "lsf", "--files-only", p.at(dir)); err != nil {
		return nil, err
	}
	for name := range strings.Lines(out.String()) {
		if name = strings.TrimSuffix(name, "\n"); !store.IsPart(name) {
			names = append(names, path.Join(dir, name))
		}
	}
	return names, nil
}

func (p *location) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	out, in := io.Pipe()
	go func() { _ = in.CloseWithError(p.run(ctx, nil, in, "cat", p.at(name))) }() // never fails
	return out, nil
}

func (p *location) Has(ctx context.Context, name string) (bool, error) {
	var out bytes.Buffer
	err := p.run(ctx, nil, &out, "lsf", "--files-only", p.at(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return strings.TrimSpace(out.String()) == path.Base(name), err
}

func (p *location) Put(ctx context.Context, name string, content io.Reader) error {
	part := store.PartName(name)
	err := p.run(ctx, store.Reader(ctx, content), nil, "rcat", p.at(part))
	if err == nil {
		err = p.run(ctx, nil, nil, "moveto", p.at(part), p.at(name))
	}
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), store.Linger)
		defer cancel()
		_ = p.run(ctx, nil, nil, "deletefile", p.at(part)) // it may not exist
	}
	return err
}

func (p *location) run(ctx context.Context, in io.Reader, out io.Writer, args ...string) error {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, p.argv[0], append(append(p.argv[1:len(p.argv):len(p.argv)], "--log-level", "ERROR"), args...)...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = p.env, in, out, &stderr, store.Linger
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &exit) && (exit.ExitCode() == exitNoFolder || exit.ExitCode() == exitNoFile):
		return fmt.Errorf("%w: rclone %s: %s", fs.ErrNotExist, args[0], last(stderr.String()))
	case errors.As(err, &exit) && exit.ExitCode() == exitFatal:
		return fmt.Errorf("%w: rclone %s: %s", store.ErrRefused, args[0], last(stderr.String()))
	}
	return fmt.Errorf("rclone %s: %w: %s", args[0], err, last(stderr.String()))
}

// query matches the query of a URL, which can be a secret signature.
var query = regexp.MustCompile(`\?[^\s"']+`)

// last returns the end of rclone's output, which holds the reason of a failure.
func last(text string) string {
	text = query.ReplaceAllString(strings.TrimSpace(text), "?...")
	return strings.ToValidUTF8(text[max(0, len(text)-500):], "")
}
