package dropbox

import (
	"cmp"
	"errors"
	"strings"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/store"
)

// Config is a Dropbox, with the credentials of an app of the App Console.
type Config struct {
	// RefreshToken is of an app of the App Console, made with token_access_type=offline (developers.dropbox.com/oauth-guide). It is required
	// with app_key and app_secret, unless there is an access_token.
	RefreshToken setting.Secret `yaml:"refresh_token"`
	// AppKey is the app's key.
	AppKey string `yaml:"app_key"`
	// AppSecret is the app's secret.
	AppSecret setting.Secret `yaml:"app_secret"`
	// AccessToken stands for the three, for a try: it ends after hours.
	AccessToken setting.Secret `yaml:"access_token"`
	// Dir is the folder for all files. Default: the top of the Dropbox, or of the app's own folder.
	Dir string `yaml:"dir"`
	// APIURL is the address of the API.
	APIURL string `yaml:"api_url" schema:"default=https://api.dropboxapi.com"`
	// ContentURL is the address of the files.
	ContentURL string `yaml:"content_url" schema:"default=https://content.dropboxapi.com"`
}

// New checks cfg. It connects to nothing.
func New(cfg Config) (store.Location, error) {
	if cfg.AccessToken == "" && (cfg.RefreshToken == "" || cfg.AppKey == "" || cfg.AppSecret == "") {
		return nil, errors.New("refresh_token, app_key, app_secret: are required, or access_token for a try")
	}
	return &location{
		token: token{cfg: cfg, url: cmp.Or(cfg.APIURL, "https://api.dropboxapi.com") + "/oauth2/token", current: string(cfg.AccessToken)},
		api:   cmp.Or(cfg.APIURL, "https://api.dropboxapi.com"), content: cmp.Or(cfg.ContentURL, "https://content.dropboxapi.com"),
		dir: "/" + strings.Trim(cfg.Dir, "/"),
	}, nil
}
