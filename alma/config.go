package alma

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Config says how one institution's API is reached.
type Config struct {
	// Region is where the institution is hosted: na, eu, ap, ca or cn. This or URL is required.
	Region string `yaml:"region"`
	// URL is the API's address in place of Region's, without /almaws/v1; for a proxy or a test.
	URL string `yaml:"url"`
	// Key is the API key, from the Developer Network. It is sent in a header, never in a URL. Required.
	Key string `yaml:"key"`
	// Rate is how many requests a second all processes together may make; 0 is DefaultRate, which is all that Alma allows an institution.
	Rate float64 `yaml:"rate"`
	// Processes is how many processes share Rate; 0 is 1.
	Processes int `yaml:"processes"`
	// Reserve is how many of the day's requests are left to other programs of the institution. At that number, no
	// more requests are made until the next day, but for one every three hours that looks whether there are more again.
	Reserve int `yaml:"reserve"`
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
	if strings.TrimSpace(c.Key) == "" {
		errs = append(errs, errors.New("key: is required; make one in the Developer Network, under Build My APIs, with the right to read Users and Bibs"))
	}
	if strings.ContainsAny(c.Key, " \t\r\n\x00") {
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
