package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
)

// firstRun prepares a start with the built-in configuration: it makes the secret that the configuration needs, and shows
// it once.
type firstRun struct {
	secret string // the file; empty with a configuration file
	made   bool   // the secret is new and was never shown
}

// newFirstRun makes the secret if no start has made it before. With a configuration file it does nothing.
func (c *command) newFirstRun() (first firstRun, err error) {
	if c.configFile() != "" {
		return firstRun{}, nil
	}
	first.secret = secretFile(c.env)
	first.made, err = ensureSecret(first.secret)
	return first, err
}

// undo removes a secret that was never shown, so that the first start that succeeds makes one and shows it.
func (f *firstRun) undo() error {
	if !f.made {
		return nil
	}
	return os.Remove(f.secret)
}

// welcome prints the addresses for webhooks and for people, and the next step. With a configuration file it prints a new password only. It prints the secret on a terminal and when the secret is
// new, so the journal of a service has it once.
func (c *command) welcome(f *firstRun, conf *config.Config, s *server) {
	console := ""
	if s.people != nil && (f.secret != "" || s.app.Console.FirstPassword() != "") {
		console = consoleText(s.people.Addr(), s.app.Console.FirstPassword())
	}
	if f.secret == "" {
		fmt.Fprint(c.stdout, console)
		return
	}
	_, port, _ := net.SplitHostPort(s.public.Addr().String())
	secret := "(not shown again)"
	if f.made || app.IsTerminal(c.stdout) {
		secret = string(conf.Sources["alma"].Secrets[0].Value)
	}
	fmt.Fprintf(c.stdout, `
  Hookline %s takes webhooks at   http://localhost:%s/webhooks/alma
  Alma's secret (stored in %s):   %s
  Every event becomes a file under   %s/export
%s
  Try, in a second terminal here:    %s send alma job_end

`, c.program.build().Version, port, f.secret, secret, conf.Data, console, invocation(c.startedAs))
	f.made = false
}

// consoleText says where the console is, and its first password if this start has made it. Only the hash of the password is kept.
func consoleText(addr net.Addr, first string) string {
	text := fmt.Sprintf("  People look at the console at   http://%s\n", addr)
	if first != "" {
		text += fmt.Sprintf("  Its user is admin, with the password (shown once)   %s\n", first)
	}
	return text
}

// invocation returns the words that start the program again. The argument is os.Args[0], which `go run` sets to a file in
// a folder of its own.
func invocation(startedAs string) string {
	if strings.Contains(startedAs, "/go-build") && filepath.Base(startedAs) == "hookline" {
		return "go run ./cmd/hookline"
	}
	return startedAs
}

// secretFile returns the file from which the built-in configuration reads the secret of its source alma.
func secretFile(env config.Env) string {
	data, ok := env("HOOKLINE_DATA")
	if !ok || data == "" {
		data = "data"
	}
	return filepath.Join(data, "alma.secret")
}

// ensureSecret makes the file with a new secret if it does not exist, and says whether it made one. The secret has 52
// letters and digits with 260 random bits; only the owner may read the file.
func ensureSecret(file string) (made bool, err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return false, fmt.Errorf("secret: %w (choose a folder that can be written; with the built-in configuration set $HOOKLINE_DATA)", err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("secret: %w", err)
	}
	_, err = f.WriteString(rand.Text() + rand.Text() + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return false, fmt.Errorf("secret: %w", errors.Join(err, os.Remove(file)))
	}
	return true, nil
}
