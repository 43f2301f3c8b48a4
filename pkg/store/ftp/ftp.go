// Package ftp stores files on an FTP server, by default over explicit TLS. Put is atomic if the server lets RNTO
// replace a file, as the common ones do. On other servers Put removes an old file just before the new one gets its name.
package ftp

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/textproto"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/jlaffaye/ftp"

	"github.com/hookline/hookline/pkg/store"
)

const dialTimeout = 15 * time.Second

type conn struct {
	*ftp.ServerConn
	dir   string
	wires *wires
	stop  func() bool
	made  map[string]bool // known folders
}

// Connect implements store.Location.
func (p *location) Connect(ctx context.Context) (store.Conn, error) {
	w := &wires{ctx: ctx, tls: p.tls}
	options := []ftp.DialOption{ftp.DialWithDialFunc(w.dial), ftp.DialWithShutTimeout(p.wait)}
	if p.tls != nil {
		options = append(options, ftp.DialWithExplicitTLS(p.tls))
	}
	stop := store.CloseAfter(ctx, w)
	server, err := ftp.Dial(p.address, options...)
	if err == nil {
		err = server.Login(p.user, p.password)
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("%s: %w", p.address, errors.Join(refused(err), w.Close()))
	}
	return &conn{server, p.dir, w, stop, map[string]bool{}}, nil
}

// refused adds store.ErrRefused to errors that no repeat can solve.
func refused(err error) error {
	var answer *textproto.Error
	if errors.As(err, &answer) && answer.Code == ftp.StatusNotLoggedIn || err != nil && strings.Contains(err.Error(), "must use encryption") {
		return fmt.Errorf("%w: %w; check user and password, or whether the server requires TLS", store.ErrRefused, err)
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return fmt.Errorf("%w: %w; set ca if the certificate is self-signed", store.ErrRefused, err)
	}
	return err
}

func (c *conn) Close() error {
	c.stop()
	_ = c.Quit() // the server may close the connection first
	return c.wires.Close()
}

func (c *conn) at(name string) string { return path.Join(c.dir, name) }

func (c *conn) List(_ context.Context, dir string) (names []string, err error) {
	defer c.wires.patient()
	entries, err := c.ServerConn.List(c.at(dir))
	if err != nil {
		return nil, missing(err)
	}
	for _, entry := range entries {
		if name := path.Base(entry.Name); entry.Type == ftp.EntryTypeFile && !store.IsPart(name) {
			names = append(names, path.Join(dir, name))
		}
	}
	return names, nil
}

func (c *conn) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	response, err := c.Retr(c.at(name))
	if err != nil {
		return nil, missing(err)
	}
	return &download{in: store.Reader(ctx, response), response: response, wires: c.wires}, nil
}

// download is a file that ends with the server's reply after the data, because a cut data connection looks like the end of the file.
type download struct {
	in       io.Reader
	response *ftp.Response
	wires    *wires
	end      error // the final result of Read
}

func (d *download) Read(p []byte) (n int, err error) {
	if d.end != nil {
		return 0, d.end
	}
	n, d.end = d.in.Read(p)
	if d.end == io.EOF { //nolint:errorlint // a wrapped one is not the end
		if err := d.Close(); err != nil {
			d.end = fmt.Errorf("the file is incomplete: %w (%s)", io.ErrUnexpectedEOF, err.Error()) // not %w: it can be an io.EOF
		}
	}
	return n, d.end
}

func (d *download) Close() error {
	defer d.wires.patient()
	return d.response.Close()
}

// Has asks for the size, a command of all current servers.
func (c *conn) Has(_ context.Context, name string) (bool, error) {
	_, err := c.FileSize(c.at(name))
	if err = missing(err); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (c *conn) Put(ctx context.Context, name string, content io.Reader) error {
	name = c.at(name)
	if err := c.folders(path.Dir(name)); err != nil {
		return err
	}
	// Content that fails at once starts no transfer: a data connection without a TLS handshake ends the session with vsftpd.
	buffered := bufio.NewReaderSize(store.Reader(ctx, content), 64<<10)
	if _, err := buffered.Peek(1); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	part := store.PartName(name)
	err := c.Stor(part, buffered)
	c.wires.patient()
	if err == nil {
		err = c.rename(part, name)
	}
	if err != nil {
		_ = c.Delete(part) // it may not exist
	}
	return err
}

func (c *conn) rename(part, name string) error {
	err := c.Rename(part, name)
	var answer *textproto.Error
	if !errors.As(err, &answer) {
		return err
	}
	if c.Delete(name) != nil { // RNTO failed for another reason
		return err
	}
	return c.Rename(part, name)
}

// folders makes dir and its parents. An existing folder gives errors of many codes, so that the error of a folder that cannot
// be made appears when the file is stored.
func (c *conn) folders(dir string) error {
	if dir == "." || dir == "/" || c.made[dir] {
		return nil
	}
	if err := c.folders(path.Dir(dir)); err != nil {
		return err
	}
	var answer *textproto.Error
	if err := c.MakeDir(dir); err != nil && !errors.As(err, &answer) {
		return err
	}
	c.made[dir] = true
	return nil
}

// missing recognises the error of a missing file or folder. Servers answer 550 for it and for lack of permission,
// and some another code; their texts differ.
func missing(err error) error {
	var answer *textproto.Error
	if !errors.As(err, &answer) {
		return err
	}
	words := strings.ToLower(answer.Msg)
	if answer.Code == ftp.StatusFileUnavailable && !strings.Contains(words, "denied") || strings.Contains(words, "no such") {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}

// wires are the network connections of one FTP connection: the first is for control, the others are for data. It closes
// all of them.
type wires struct {
	ctx context.Context //nolint:containedctx // the library dials without one
	tls *tls.Config

	mu   sync.Mutex
	open []net.Conn
}

func (w *wires) dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), dialTimeout)
	defer cancel()
	wire, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	data := len(w.open) > 0
	w.open = append(w.open[:min(len(w.open), 1)], wire) // one data connection at a time
	if data && w.tls != nil {
		return tls.Client(wire, w.tls), nil
	}
	return wire, nil
}

// patient removes the deadline that the library sets at the end of a file and keeps: the next file may take longer to make.
func (w *wires) patient() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.open[0].SetDeadline(time.Time{}) // a closed connection fails at its next use
}

func (w *wires) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, wire := range w.open {
		_ = wire.Close() // most are closed already
	}
	return nil
}
