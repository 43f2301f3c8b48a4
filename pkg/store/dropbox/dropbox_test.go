package dropbox_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/store"
	"github.com/hookline/hookline/pkg/store/dropbox"
	"github.com/hookline/hookline/pkg/store/storetest"
)

func (d *double) config() dropbox.Config {
	return dropbox.Config{RefreshToken: "refresh", AppKey: "key", AppSecret: "app secret", APIURL: d.URL, ContentURL: d.URL}
}

func connect(t *testing.T, cfg dropbox.Config) store.Conn {
	t.Helper()
	place, err := dropbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := place.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestDouble(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"", "/Grüße/alma/"} {
		d := newDouble(t)
		cfg := d.config()
		cfg.Dir = dir
		place, err := dropbox.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		storetest.Run(t, place, d.names)
	}
}

func TestAnExpiredTokenIsMadeAnewAndTooManyRequestsAreWaitedFor(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	conn := connect(t, d.config())
	put := func() {
		t.Helper()
		if err := conn.Put(t.Context(), "x.xml", strings.NewReader("x")); err != nil {
			t.Error(err)
		}
	}
	put()
	d.mu.Lock()
	d.tokens++ // the one that the client has is no longer valid
	d.mu.Unlock()
	put()
	d.mu.Lock()
	d.busy = 1
	d.mu.Unlock()
	put()
	if d.tokens != 3 || !slices.Equal(d.requests, []string{"upload", "upload", "upload", "upload", "upload"}) {
		t.Errorf("%d tokens, %v", d.tokens, d.requests)
	}
}

func TestWhatAPersonHasToChangeIsRefused(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	wrong, short := d.config(), d.config()
	wrong.RefreshToken = "hush"
	short.RefreshToken, short.AccessToken = "", "old"
	for want, c := range map[string]struct {
		cfg  dropbox.Config
		name string
	}{
		"check it, app_key and app_secret": {wrong, "x"},
		"access_token is no longer valid":  {short, "x"},
		"no_write_permission":              {d.config(), "forbidden"},
	} {
		err := connect(t, c.cfg).Put(t.Context(), c.name, strings.NewReader("x"))
		if !errors.Is(err, store.ErrRefused) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%v, not %s", err, want)
		}
	}
	if _, err := dropbox.New(dropbox.Config{RefreshToken: "x"}); err == nil {
		t.Error("a refresh token alone was accepted")
	}
}
