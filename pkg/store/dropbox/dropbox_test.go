package dropbox_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/store"
	"github.com/hookline/hookline/pkg/store/dropbox"
	"github.com/hookline/hookline/pkg/store/storetest"
)

func config(d *storetest.Dropbox) dropbox.Config {
	return dropbox.Config{RefreshToken: "refresh", AppKey: "key", AppSecret: "app secret", APIURL: d.URL, ContentURL: d.URL}
}

func connect(t *testing.T, cfg dropbox.Config) store.Conn {
	t.Helper()
	location, err := dropbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := location.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestDouble(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"", "/Grüße/alma/"} {
		d := storetest.NewDropbox(t)
		cfg := config(d)
		cfg.Dir = dir
		location, err := dropbox.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		storetest.Run(t, location, func(*testing.T) []string { return slices.Collect(maps.Keys(d.Files())) })
	}
}

func TestAnExpiredTokenIsMadeAnewAndTooManyRequestsAreWaitedFor(t *testing.T) {
	t.Parallel()
	d := storetest.NewDropbox(t)
	conn := connect(t, config(d))
	put := func() {
		t.Helper()
		if err := conn.Put(t.Context(), "x.xml", strings.NewReader("x")); err != nil {
			t.Error(err)
		}
	}
	put()
	d.Expire()
	put()
	d.Busy()
	put()
	if got := d.Requests(); !slices.Equal(got, []string{"upload", "upload", "upload", "upload", "upload"}) {
		t.Errorf("%v", got)
	}
}

func TestTransientErrorsAreNotRefused(t *testing.T) {
	t.Parallel()
	d := storetest.NewDropbox(t)
	conn := connect(t, config(d))
	if err := conn.Put(t.Context(), "contended", strings.NewReader("x")); err == nil || errors.Is(err, store.ErrRefused) {
		t.Errorf("too many writers: %v", err)
	}
	d.Lose()
	if err := conn.Put(t.Context(), "large", strings.NewReader(strings.Repeat("x", 17<<20))); err == nil || errors.Is(err, store.ErrRefused) {
		t.Errorf("a part whose answer was lost: %v", err)
	}
	d.Busy()
	d.Expire()
	if err := conn.Put(t.Context(), "x", strings.NewReader("x")); err != nil {
		t.Errorf("a token that expires while Dropbox is busy: %v", err)
	}
}

func TestPermanentErrorsAreRefused(t *testing.T) {
	t.Parallel()
	d := storetest.NewDropbox(t)
	wrong, short := config(d), config(d)
	wrong.RefreshToken = "hush"
	short.RefreshToken, short.AccessToken = "", "old"
	for want, c := range map[string]struct {
		cfg  dropbox.Config
		name string
	}{
		"check it, app_key and app_secret": {wrong, "x"},
		"access_token is no longer valid":  {short, "x"},
		"no_write_permission":              {config(d), "forbidden"},
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
