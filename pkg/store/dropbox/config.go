package dropbox

import (
	"cmp"
	"errors"
	"strings"

	"github.com/hookline/hookline/pkg/store"
)

// Config says which Dropbox: what an app of the App Console gives.
type Config struct {
	// RefreshToken, with AppKey and AppSecret, gets the short-lived tokens that requests need
	// (token_access_type=offline, developers.dropbox.com/oauth-guide). Required, but for AccessToken.
	RefreshToken string `yaml:"refresh_token"`
	AppKey       string `yaml:"app_key"`
	AppSecret    string `yaml:"app_secret"`
	// AccessToken is for a try: it ends after hours.
	AccessToken string `yaml:"access_token"`
	// Dir is the folder that everything is under, of the Dropbox or of the app's own folder; default that itself.
	Dir string `yaml:"dir"`
	// APIURL and ContentURL are where requests go; default https://api.dropboxapi.com and https://content.dropboxapi.com.
	APIURL     string `yaml:"api_url"`
	ContentURL string `yaml:"content_url"`
}

// New checks cfg. It connects to nothing.
func New(cfg Config) (store.Location, error) {
	if cfg.AccessToken == "" && (cfg.RefreshToken == "" || cfg.AppKey == "" || cfg.AppSecret == "") {
		return nil, errors.New("refresh_token, app_key, app_secret: are required, or access_token for a try")
	}
	return &location{
		token: token{cfg: cfg, url: cmp.Or(cfg.APIURL, "https://api.dropboxapi.com") + "/oauth2/token", current: cfg.AccessToken},
		api:   cmp.Or(cfg.APIURL, "https://api.dropboxapi.com"), content: cmp.Or(cfg.ContentURL, "https://content.dropboxapi.com"),
		dir: "/" + strings.Trim(cfg.Dir, "/"),
	}, nil
}
