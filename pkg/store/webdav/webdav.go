// Package webdav stores files on a WebDAV server (RFC 4918), such as Nextcloud. Put is atomic: it uploads a file under
// another name and moves it.
package webdav

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/store"
)

// Config is a WebDAV server, such as Nextcloud, and the login.
type Config struct {
	// URL is the URL of the folder for all files: https://host/remote.php/dav/files/user/exports.
	URL string `yaml:"url" schema:"required"`
	// User is the login, for basic authentication.
	User string `yaml:"user"`
	// Password is the login's password.
	Password setting.Secret `yaml:"password"`
	// CA are PEM certificates that verify the server's. Default: the system's.
	CA string `yaml:"ca"`
}

type location struct {
	base           *url.URL
	user, password string
	ca             *x509.CertPool
}

// New checks cfg. It connects to nothing.
func New(cfg Config) (store.Location, error) {
	p := &location{user: cfg.User, password: string(cfg.Password)}
	base, err := url.Parse(cfg.URL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.User != nil || base.RawQuery != "" {
		return nil, errors.New("url: must be https://host/folder, without user and password; those have keys of their own")
	}
	p.base = base
	if cfg.CA != "" {
		p.ca = x509.NewCertPool()
		if !p.ca.AppendCertsFromPEM([]byte(cfg.CA)) {
			return nil, errors.New("ca: holds no PEM certificate")
		}
	}
	return p, nil
}

// Connect implements store.Location. It makes no request.
func (p *location) Connect(context.Context) (store.Conn, error) {
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: p.ca},
		TLSHandshakeTimeout: 15 * time.Second, ExpectContinueTimeout: time.Second, DisableCompression: true,
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &conn{p, client, map[string]bool{}}, nil
}

type conn struct {
	*location
	client *http.Client
	made   map[string]bool // known folders
}

func (c *conn) Close() error {
	c.client.CloseIdleConnections()
	return nil
}

// multistatus holds the needed part of a PROPFIND's answer.
type multistatus struct {
	Responses []struct {
		Href       string    `xml:"DAV: href"`
		Collection *struct{} `xml:"DAV: propstat>prop>resourcetype>collection"`
	} `xml:"DAV: response"`
}

func (c *conn) List(ctx context.Context, dir string) (names []string, err error) {
	const ask = `<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>`
	answer, err := c.do(ctx, "PROPFIND", dir+"/", strings.NewReader(ask), http.Header{"Depth": {"1"}, "Content-Type": {"application/xml"}}, http.StatusMultiStatus)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	var found multistatus
	if err := xml.NewDecoder(answer.Body).Decode(&found); err != nil {
		return nil, fmt.Errorf("PROPFIND: %w", err)
	}
	for _, r := range found.Responses {
		href, err := url.Parse(r.Href)
		if err != nil {
			return nil, fmt.Errorf("PROPFIND: %w", err)
		}
		if base := path.Base(href.Path); r.Collection == nil && !store.IsPart(base) {
			names = append(names, path.Join(dir, base))
		}
	}
	return names, nil
}

func (c *conn) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	answer, err := c.do(ctx, http.MethodGet, name, nil, nil, http.StatusOK)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

func (c *conn) Has(ctx context.Context, name string) (bool, error) {
	err := c.tell(ctx, http.MethodHead, name, nil, nil, http.StatusOK)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (c *conn) Put(ctx context.Context, name string, content io.Reader) error {
	if err := c.folders(ctx, path.Dir(name)); err != nil {
		return err
	}
	part := store.PartName(name)
	sent := &counter{Reader: store.Reader(ctx, content)}
	err := c.tell(ctx, http.MethodPut, part, sent, nil, http.StatusCreated, http.StatusNoContent, http.StatusOK)
	if err == nil {
		err = c.checkSize(ctx, part, sent.n.Load())
	}
	if err == nil {
		moved := http.Header{"Destination": {c.at(name).String()}, "Overwrite": {"T"}}
		err = c.tell(ctx, "MOVE", part, nil, moved, http.StatusCreated, http.StatusNoContent)
	}
	if err != nil {
		c.drop(ctx, part)
	}
	return err
}

// counter counts the bytes of a reader.
type counter struct {
	io.Reader
	n atomic.Int64 // atomic, because a server may answer before it has read all
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// checkSize compares the size of the stored part with the bytes sent, because some servers store a body of unknown length as an empty one.
func (c *conn) checkSize(ctx context.Context, part string, sent int64) error {
	answer, err := c.ask(ctx, http.MethodHead, part, nil, nil, http.StatusOK)
	if err != nil {
		return err
	}
	_ = answer.Body.Close()
	if answer.ContentLength >= 0 && answer.ContentLength != sent {
		return fmt.Errorf("PUT: the server kept %d of %d bytes; let it accept chunked uploads (Transfer-Encoding: chunked), or use another kind of location", answer.ContentLength, sent)
	}
	return nil
}

// drop removes a part. The part may appear only after the server has begun the upload, so drop tries several
// times.
func (c *conn) drop(ctx context.Context, part string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), store.Linger)
	defer cancel()
	for missing := 0; missing < 5; {
		err := c.tell(ctx, http.MethodDelete, part, nil, nil, http.StatusNoContent, http.StatusOK)
		if err == nil {
			return
		}
		if errors.Is(err, fs.ErrNotExist) {
			missing++
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// folders makes dir and its parents, up to and including the folder of the Config.
func (c *conn) folders(ctx context.Context, dir string) error {
	if c.made[dir] {
		return nil
	}
	err := c.tell(ctx, "MKCOL", dir+"/", nil, nil, http.StatusCreated, http.StatusMethodNotAllowed) // 405: it exists
	if errors.Is(err, fs.ErrNotExist) && dir != "." {                                               // its parent is missing
		if err = c.folders(ctx, path.Dir(dir)); err == nil {
			err = c.tell(ctx, "MKCOL", dir+"/", nil, nil, http.StatusCreated, http.StatusMethodNotAllowed)
		}
	}
	c.made[dir] = err == nil
	return err
}

// errLocked says that another request has locked the name.
var errLocked = errors.New("locked")

// tell is ask without a use of the answer.
func (c *conn) tell(ctx context.Context, method, name string, body io.Reader, header http.Header, good ...int) error {
	answer, err := c.ask(ctx, method, name, body, header, good...)
	if err != nil {
		return err
	}
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection can be reused
	return answer.Body.Close()
}

// ask is do with a wait of up to 3 s for a lock. The body must be one that can be sent again.
func (c *conn) ask(ctx context.Context, method, name string, body io.Reader, header http.Header, good ...int) (*http.Response, error) {
	answer, err := c.do(ctx, method, name, body, header, good...)
	for again := 0; errors.Is(err, errLocked) && body == nil && again < 30; again++ {
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(100 * time.Millisecond):
		}
		answer, err = c.do(ctx, method, name, nil, header, good...)
	}
	return answer, err
}

func (c *conn) do(ctx context.Context, method, name string, body io.Reader, header http.Header, good ...int) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.at(name).String(), body)
	if err != nil {
		return nil, err
	}
	for key, values := range header {
		request.Header[key] = values
	}
	if c.user != "" {
		request.SetBasicAuth(c.user, c.password)
	}
	answer, err := c.client.Do(request)
	if err != nil {
		return nil, err
	}
	if slices.Contains(good, answer.StatusCode) {
		return answer, nil
	}
	_ = answer.Body.Close()
	err = fmt.Errorf("%s %s: %s", method, cmp.Or(name, "/"), answer.Status)
	switch answer.StatusCode {
	case http.StatusNotFound, http.StatusConflict: // 409: a parent folder is missing (RFC 4918, 9.3.1 and 9.7.1)
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case http.StatusLocked:
		return nil, fmt.Errorf("%w: %w", errLocked, err)
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, fmt.Errorf("%w: %w; check user, password and their permissions", store.ErrRefused, err)
	}
	return nil, err
}

// at returns the URL of a name. A name that ends in "/" is a folder.
func (c *conn) at(name string) *url.URL {
	return c.base.JoinPath((&url.URL{Path: name}).EscapedPath())
}
