package reconcile

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
)

// Config notes the ends of Alma's jobs that arrive. At any other event, it asks Alma for the ends that did not arrive, and feeds them in.
type Config struct {
	// Alma is the institution, by its name under alma; needed if there are several.
	Alma string `yaml:"alma"`
	// Jobs are the IDs of the jobs, such as M44 or S123: job_instance.job_info.id of an event.
	Jobs []string `yaml:"jobs" schema:"required; minItems=1; items.minLength=1"`
	// Seen is a folder with a file for each run that has arrived; all workers of the route share it.
	Seen string `yaml:"seen" schema:"required; minLength=1"`
	// URL is the address to which Alma sends: https://hooks.example.org/webhooks/alma.
	URL string `yaml:"url" schema:"required"`
	// Secret is the secret with which Alma signs.
	Secret setting.Secret `yaml:"secret" schema:"required; minLength=1"`
	// Wait is how long after its end a job may still arrive. Alma repeats for 10 hours.
	Wait time.Duration `yaml:"wait"`
	// Back is how long ago the end of a job may be; more than wait.
	Back time.Duration `yaml:"back"`
}

// Defaults returns a Config that lacks the required fields. Wait is longer than the 10 hours for which Alma repeats.
func Defaults() Config { return Config{Wait: 11 * time.Hour, Back: 7 * 24 * time.Hour} }

func (c Config) withDefaults() Config {
	usual := Defaults()
	c.Wait, c.Back = cmp.Or(c.Wait, usual.Wait), cmp.Or(c.Back, usual.Back)
	return c
}

func (c Config) check() (*signature.Verifier, error) {
	var errs []error
	if len(c.Jobs) == 0 {
		errs = append(errs, errors.New("jobs: is required; an event's job_instance.job_info.id, such as M44"))
	}
	if c.Seen == "" {
		errs = append(errs, errors.New("seen: is required; a folder for what has arrived"))
	}
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		errs = append(errs, errors.New("url: must be where Alma sends to, https://host/webhooks/alma"))
	}
	if c.Secret == "" {
		errs = append(errs, errors.New("secret: is required; the one that Alma signs with"))
	}
	if c.Wait < 0 || c.Back <= c.Wait {
		errs = append(errs, fmt.Errorf("back: %v must be more than wait, %v", c.Back, c.Wait))
	}
	scheme, _ := signature.Preset("alma")
	signer, err := signature.New(scheme, []signature.Secret{{Value: c.Secret}})
	if err != nil && c.Secret != "" {
		errs = append(errs, fmt.Errorf("secret: %w", err))
	}
	return signer, errors.Join(errs...)
}
