// Package dropbox stores files in a Dropbox, by its HTTP API (dropbox.com/developers/documentation/http). A file appears
// whole or not at all: a file longer than one part is sent in an upload session, which is committed at its end.
package dropbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path"
	"time"

	"github.com/hookline/hookline/pkg/store"
)

// partSize is the size of one request, in bytes; one part is in memory. Dropbox requires multiples of 4 MiB.
const partSize = 8 << 20

type location struct {
	token             token
	api, content, dir string
}

type conn struct {
	*location
	client *http.Client
}

// Connect implements store.Location. It makes no request.
func (p *location) Connect(context.Context) (store.Conn, error) {
	transport := &http.Transport{TLSHandshakeTimeout: 15 * time.Second, ForceAttemptHTTP2: true, ResponseHeaderTimeout: 2 * time.Minute}
	return &conn{p, &http.Client{Transport: transport}}, nil
}

func (c *conn) Close() error {
	c.client.CloseIdleConnections()
	return nil
}

// at returns a name in Dropbox's form: the uppermost folder is empty.
func (c *conn) at(name string) string {
	if at := path.Join(c.dir, name); at != "/" {
		return at
	}
	return ""
}

type pathArg struct {
	Path string `json:"path"`
}

func (c *conn) List(ctx context.Context, dir string) (names []string, err error) {
	var found struct {
		Entries []struct {
			Tag  string `json:".tag"`
			Name string `json:"name"`
		} `json:"entries"`
		Cursor  string `json:"cursor"`
		HasMore bool   `json:"has_more"`
	}
	err = c.rpc(ctx, "list_folder", pathArg{c.at(dir)}, &found)
	for err == nil {
		for _, entry := range found.Entries {
			if entry.Tag == "file" {
				names = append(names, path.Join(dir, entry.Name))
			}
		}
		if !found.HasMore {
			return names, nil
		}
		cursor := map[string]string{"cursor": found.Cursor}
		found.Entries = nil
		err = c.rpc(ctx, "list_folder/continue", cursor, &found)
	}
	return nil, err
}

func (c *conn) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	header, err := asHeader(pathArg{c.at(name)})
	if err != nil {
		return nil, err
	}
	return c.do(ctx, "download", c.content, nil, header)
}

func (c *conn) Has(ctx context.Context, name string) (bool, error) {
	err := c.rpc(ctx, "get_metadata", pathArg{c.at(name)}, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// commit holds a file's destination, and the mode to replace an existing file.
type commit struct {
	Path       string `json:"path"`
	Mode       string `json:"mode"`
	Autorename bool   `json:"autorename"`
	Mute       bool   `json:"mute"` // no notification on the user's devices
}

type cursor struct {
	Session string `json:"session_id"`
	Offset  int64  `json:"offset"`
}

func (c *conn) Put(ctx context.Context, name string, content io.Reader) error {
	content = store.Reader(ctx, content)
	to := commit{Path: c.at(name), Mode: "overwrite", Mute: true}
	part, err := readPart(content, nil)
	if err != nil {
		return err
	}
	if len(part) < partSize {
		return c.upload(ctx, "upload", to, part, nil)
	}
	var session cursor
	if err := c.upload(ctx, "upload_session/start", map[string]bool{"close": false}, part, &session); err != nil {
		return err
	}
	for {
		session.Offset += int64(len(part))
		if part, err = readPart(content, part); err != nil {
			return err
		}
		if len(part) < partSize {
			return c.upload(ctx, "upload_session/finish", map[string]any{"cursor": session, "commit": to}, part, nil)
		}
		if err := c.upload(ctx, "upload_session/append_v2", map[string]any{"cursor": session, "close": false}, part, nil); err != nil {
			return err
		}
	}
}

// readPart reads a part, into the memory of the previous one. Only the last part of content is shorter.
func readPart(content io.Reader, before []byte) ([]byte, error) {
	part := bytes.NewBuffer(before[:0])
	_, err := io.CopyN(part, content, partSize)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return part.Bytes(), err
}
