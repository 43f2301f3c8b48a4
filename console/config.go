package console

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/hookline/hookline/pkg/setting"
)

// Config is the console's part of a configuration.
type Config struct {
	// Listen is the address of the console's listener, apart from those for webhooks and for metrics; empty: no console. Put a proxy
	// with TLS in front of it before you open it to others than this machine.
	Listen string `yaml:"listen"`
	// Name is the name of this installation, such as production or sandbox. Each page shows it.
	Name string `yaml:"name"`
	// Hosts are the names by which browsers reach the console, without ports. Addresses and localhost need no entry; other names are refused,
	// so that a foreign page cannot reach the console by a name of its own.
	Hosts setting.List `yaml:"hosts,omitempty"`
	// TimeZone is the zone of all times on the pages, such as Europe/Vienna. Default: the zone of the machine.
	TimeZone string `yaml:"time_zone,omitempty"`
	// Login asks for a name and a password. Without it everybody who reaches the listener may act.
	Login bool `yaml:"login"`
	// Session is how long a person stays signed in without a request.
	Session time.Duration `yaml:"session"`
	// Users are the people who may sign in, by name. Default: admin, whose password the first start makes and shows.
	Users map[string]User `yaml:"users,omitempty" schema:"minProperties=1; names=63"`

	// Dir is the console's folder in the data folder. It keeps the hash of admin's password.
	Dir string `yaml:"-"`
}

// User is a person who may sign in.
type User struct {
	// Password is the person's password, 12 to 72 bytes.
	Password setting.Secret `yaml:"password" schema:"required; minLength=12"`
	// Role is the right of the person: look sees events without their bodies, bodies sees all of them, act may also replay, discard and pause.
	Role Role `yaml:"role,omitempty" schema:"enum=look|bodies|act; default=look"`
}

// DefaultConfig returns the settings that a configuration need not have.
func DefaultConfig() Config {
	return Config{Listen: "127.0.0.1:8090", Name: "production", Login: true, Session: 12 * time.Hour}
}

// Check returns every error of the settings, joined.
func (c Config) Check() error {
	var errs []error
	if _, port, err := net.SplitHostPort(c.Listen); c.Listen != "" && (err != nil || port == "") {
		errs = append(errs, fmt.Errorf("listen: %q is no address such as 127.0.0.1:8090; empty: no console", c.Listen))
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		errs = append(errs, fmt.Errorf("time_zone: %w; write one such as Europe/Vienna", err))
	}
	if c.Session <= 0 {
		errs = append(errs, errors.New("session: must be more than 0; leave it out for 12h"))
	}
	for name, u := range c.Users {
		if len(u.Password) > 72 {
			errs = append(errs, fmt.Errorf("users: %s: password: has more than 72 bytes, and bcrypt ignores the rest", name))
		}
	}
	return errors.Join(errs...)
}
