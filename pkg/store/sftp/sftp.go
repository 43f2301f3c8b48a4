// Package sftp stores files on an SFTP server. Put is atomic if the server can rename over a file
// (posix-rename@openssh.com, as OpenSSH does). On other servers Put removes an old file just before the new one gets its name.
package sftp

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/hookline/hookline/pkg/store"
)

const (
	dialTimeout = 15 * time.Second
	// ahead is the read-ahead in bytes, so that a distant server is as fast as its network.
	ahead = 1 << 20
	// requests is the maximum number of writes under way.
	requests = 32
)

type conn struct {
	*sftp.Client
	dir  string
	ssh  *ssh.Client
	stop func() bool
}

// Connect implements store.Location.
func (p *location) Connect(ctx context.Context) (store.Conn, error) {
	tcp, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", p.address)
	if err != nil {
		return nil, err
	}
	stop := store.CloseAfter(ctx, tcp)
	c, err := p.open(tcp)
	if err != nil {
		stop()
		return nil, errors.Join(err, tcp.Close())
	}
	c.dir, c.stop = p.dir, stop
	return c, nil
}

func (p *location) open(tcp net.Conn) (*conn, error) {
	if err := tcp.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return nil, err
	}
	shell, channels, asked, err := ssh.NewClientConn(tcp, p.address, p.client)
	if err != nil {
		switch text := err.Error(); {
		case strings.Contains(text, "unable to authenticate"):
			err = fmt.Errorf("%w: user %s: %w; check user, password and key", store.ErrRefused, p.client.User, err)
		case strings.Contains(text, "no common algorithm for host key"):
			err = fmt.Errorf("%w: %w: the server has no key of the known kind: either its key has changed, which its operator can confirm (then change known_hosts), or another machine is in between", store.ErrRefused, err)
		}
		return nil, fmt.Errorf("%s: %w", p.address, err)
	}
	client := ssh.NewClient(shell, channels, asked)
	files, err := sftp.NewClient(client)
	if err == nil {
		err = tcp.SetDeadline(time.Time{})
	}
	if err != nil {
		return nil, fmt.Errorf("%s: sftp: %w", p.address, err)
	}
	return &conn{Client: files, ssh: client}, nil
}

func (c *conn) Close() error {
	c.stop()
	err := c.ssh.Close()
	_ = c.Client.Close() // its error says that the connection has ended, as intended; alone it would wait for the server
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// at returns name on the server.
func (c *conn) at(name string) string { return path.Join(c.dir, name) }

func (c *conn) List(ctx context.Context, dir string) (names []string, err error) {
	entries, err := c.ReadDirContext(ctx, cmp.Or(c.at(dir), "."))
	for _, entry := range entries {
		if entry.Mode().IsRegular() && !store.IsPart(entry.Name()) {
			names = append(names, path.Join(dir, entry.Name()))
		}
	}
	return names, err
}

func (c *conn) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	f, err := c.Client.Open(c.at(name))
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{store.Reader(ctx, bufio.NewReaderSize(f, ahead)), f}, nil
}

func (c *conn) Has(_ context.Context, name string) (bool, error) {
	_, err := c.Stat(c.at(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (c *conn) Put(ctx context.Context, name string, content io.Reader) error {
	name = c.at(name)
	if dir := path.Dir(name); dir != "." {
		if err := c.MkdirAll(dir); err != nil {
			return fmt.Errorf("make folder %s: %w", dir, err)
		}
	}
	part := store.PartName(name)
	err := c.write(part, store.Reader(ctx, content))
	if err == nil {
		err = c.rename(part, name)
	}
	if err != nil {
		_ = c.Remove(part) // it may not exist
	}
	return err
}

func (c *conn) write(name string, content io.Reader) error {
	f, err := c.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = f.ReadFromWithConcurrency(content, requests)
	if _, can := c.HasExtension("fsync@openssh.com"); err == nil && can {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (c *conn) rename(part, name string) error {
	if _, can := c.HasExtension("posix-rename@openssh.com"); can {
		return c.PosixRename(part, name)
	}
	if err := c.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return c.Rename(part, name)
}
