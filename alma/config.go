package alma

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/hookline/hookline/pkg/setting"
)

// Config is the configuration of one institution's API.
type Config struct {
	// Region is the region in which Ex Libris hosts the institution. This or url is required.
	Region string `yaml:"region" schema:"enum=na|eu|ap|ca|cn"`
	// URL is the API's address in place of region, without /almaws/v1; for a proxy or a test.
	URL string `yaml:"url"`
	// Key is the API key, from the Developer Network. Hookline sends it in a header, never in a URL.
	Key setting.Secret `yaml:"key"`
	// Rate is how many requests a second all processes together may make. Alma allows an institution 25.
	Rate float64 `yaml:"rate" schema:"exclusiveMinimum=0; maximum=25"`
	// Processes is how many processes share rate.
	Processes int `yaml:"processes" schema:"minimum=1"`
	// Reserve is how many of the day's requests are left to other programs of the institution. At that number, no more requests are made
	// until the next day, except for one every three hours, which looks for new ones.
	Reserve int `yaml:"reserve" schema:"minimum=0; default=0"`
}

// Defaults returns a Config that lacks its address and its key.
func Defaults() Config { return Config{Rate: DefaultRate, Processes: 1} }

// MarshalYAML shows the configuration in one line, without the key.
func (c Config) MarshalYAML() (any, error) {
	return fmt.Sprintf("%s, %g requests a second over %d processes, %d a day left to others", cmp.Or(c.Region, c.URL), c.Rate, c.Processes, c.Reserve), nil
}

// DefaultRate is Alma's limit for an institution, in requests a second, over all of its keys and programs.
const DefaultRate = 25

// hosts are the regional addresses of the API.
func hosts() map[string]string {
	return map[string]string{
		"na": "https://api-na.hosted.exlibrisgroup.com",
		"eu": "https://api-eu.hosted.exlibrisgroup.com",
		"ap": "https://api-ap.hosted.exlibrisgroup.com",
		"ca": "https://api-ca.hosted.exlibrisgroup.com",
		"cn": "https://api-cn.hosted.exlibrisgroup.com.cn",
	}
}

// Check tells everything that is wrong with c.
func (c Config) Check() error {
	_, err := c.base()
	errs := []error{err}
	if strings.TrimSpace(string(c.Key)) == "" {
		errs = append(errs, errors.New("key: is required; make one in the Developer Network, under Build My APIs, with the right to read Users and Bibs"))
	}
	if strings.ContainsAny(string(c.Key), " \t\r\n\x00") {
		errs = append(errs, errors.New("key: must not contain white space"))
	}
	if c.Rate < 0 || c.Rate > DefaultRate {
		errs = append(errs, fmt.Errorf("rate %v: must be 0 to %d requests a second, which is Alma's own limit", c.Rate, DefaultRate))
	}
	if c.Processes < 0 {
		errs = append(errs, fmt.Errorf("processes %d: must not be negative", c.Processes))
	}
	if c.Reserve < 0 {
		errs = append(errs, fmt.Errorf("reserve %d: must not be negative", c.Reserve))
	}
	return errors.Join(errs...)
}

// base is the address that every request begins with, without a slash at its end.
func (c Config) base() (string, error) {
	switch host, known := hosts()[c.Region]; {
	case c.URL != "" && c.Region != "":
		return "", errors.New("region, url: keep one of the two")
	case c.URL != "":
		u, err := url.Parse(c.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return "", errors.New("url: must be https://host, without a query")
		}
		return strings.TrimSuffix(strings.TrimRight(c.URL, "/"), root), nil
	case known:
		return host, nil
	}
	return "", fmt.Errorf("region %q: must be one of %s", c.Region, strings.Join(slices.Sorted(maps.Keys(hosts())), ", "))
}
