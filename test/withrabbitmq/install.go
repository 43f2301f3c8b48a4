package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// install installs rabbitmq-server with the system's package manager, as root or through sudo without a password.
func install(ctx context.Context) error {
	managers := []struct {
		name  string
		steps [][]string
		root  bool
	}{
		{"apt-get", [][]string{{"apt-get", "update"}, {"apt-get", "install", "-y", "--no-install-recommends", "rabbitmq-server"}}, true},
		{"dnf", [][]string{{"dnf", "install", "-y", "rabbitmq-server"}}, true},
		{"apk", [][]string{{"apk", "add", "rabbitmq-server"}}, true},
		{"pacman", [][]string{{"pacman", "-Sy", "--noconfirm", "rabbitmq"}}, true},
		{"brew", [][]string{{"brew", "install", "rabbitmq"}}, false},
	}
	for _, manager := range managers {
		if _, err := exec.LookPath(manager.name); err != nil {
			continue
		}
		for _, step := range manager.steps {
			if manager.root && os.Geteuid() != 0 {
				step = append([]string{"sudo", "-n"}, step...)
			}
			cmd := exec.CommandContext(ctx, step[0], step[1:]...)
			cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1") // RUNLEVEL: so that Debian starts no service
			cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("%v: %w", step, err)
			}
		}
		return nil
	}
	return errors.New("this machine has none of apt-get, dnf, apk, pacman and brew")
}
