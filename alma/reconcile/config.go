package reconcile

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
)

// Config says which jobs have to arrive, and where.
type Config struct {
	// Alma is the institution, by its name in the configuration; needed if there are several.
	Alma string `yaml:"alma"`
	// Jobs are the IDs of the jobs whose ends have to arrive, such as M44 or S123: job_instance.job_info.id of an event. Required.
	Jobs []string `yaml:"jobs"`
	// Seen is a folder for what has arrived, a file for each run, which all workers of the route share. Required.
	Seen string `yaml:"seen"`
	// URL is where Alma's events are taken: https://hooks.example.org/webhooks/alma. Required.
	URL string `yaml:"url"`
	// Secret is the one that Alma signs with. Required.
	Secret string `yaml:"secret"`
	// Wait is how long after its end a job may still arrive; 0 is DefaultWait.
	Wait time.Duration `yaml:"wait"`
	// Back is how long ago the end of a job may be; 0 is DefaultBack. More than Wait.
	Back time.Duration `yaml:"back"`
}

const (
	// DefaultWait is longer than the 10 hours for which Alma repeats.
	DefaultWait = 11 * time.Hour
	// DefaultBack makes up for a week.
	DefaultBack = 7 * 24 * time.Hour
)

func (c Config) withDefaults() Config {
	if c.Wait == 0 {
		c.Wait = DefaultWait
	}
	if c.Back == 0 {
		c.Back = DefaultBack
	}
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
	signer, err := signature.New(scheme, []signature.Secret{{Value: setting.Secret(c.Secret)}})
	if err != nil && c.Secret != "" {
		errs = append(errs, fmt.Errorf("secret: %w", err))
	}
	return signer, errors.Join(errs...)
}
