package transfer

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/hookline/hookline/alma/marc"
	"github.com/hookline/hookline/pkg/handler"
)

// archiveReader returns the files of a tar archive one after the other. Any other file is its own only member. Both may be in
// gzip. It detects the format by the content, not by the name.
type archiveReader struct {
	in      *bufio.Reader
	archive *tar.Reader // nil: not an archive
	count   int         // number of files so far
	left    int64       // bytes that the next files of the archive may have by their headers
	limit   int64
}

// errEmpty says that there is no file (yet).
var errEmpty = errors.New("holds no file")

// newArchiveReader reads at most limit unpacked bytes from in.
func newArchiveReader(in io.Reader, limit int64) (*archiveReader, error) {
	buffered := bufio.NewReaderSize(in, 64<<10)
	magic, err := buffered.Peek(4)
	switch {
	case len(magic) == 0 && errors.Is(err, io.EOF):
		return nil, damaged(errEmpty)
	case len(magic) == 0:
		return nil, err
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, damaged(err)
		}
		buffered = bufio.NewReaderSize(unzipped, 64<<10)
	case string(magic) == "PK\x03\x04":
		return nil, handler.Permanent(errors.New("is a zip archive, which cannot be read as a stream; have it packed as .tar.gz"))
	}
	u := &archiveReader{in: bufio.NewReaderSize(&limited{buffered, limit, limit}, 64<<10), left: limit, limit: limit}
	if head, _ := u.in.Peek(262); len(head) == 262 && (string(head[257:]) == "ustar" || len(bytes.Trim(head, "\x00")) == 0) {
		u.archive = tar.NewReader(u.in)
	}
	return u, nil
}

// next returns the name of the next file in the archive and its content, which is valid until the next call; io.EOF at
// the end. Never write to that name. next skips links, devices and folders.
func (u *archiveReader) next() (string, io.Reader, error) {
	if u.archive == nil {
		if u.count++; u.count > 1 {
			return "", nil, io.EOF
		}
		return "", u.in, nil
	}
	for {
		header, err := u.archive.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, u.in) // up to the checksum of gzip
			switch {
			case err == nil && u.count == 0:
				err = errEmpty
			case err == nil:
				err = io.EOF
			}
		}
		if err != nil {
			return "", nil, err
		}
		if header.Typeflag == tar.TypeReg {
			u.count++
			if u.left -= header.Size; u.left < 0 { // a sparse file is larger than its bytes in the archive
				return "", nil, tooMuch(u.limit)
			}
			return path.Base(header.Name), u.archive, nil
		}
	}
}

// damaged adds advice to the error of a damaged file.
func damaged(err error) error {
	var corrupt flate.CorruptInputError
	known := errors.As(err, &corrupt)
	for _, sign := range []error{io.ErrUnexpectedEOF, errEmpty, gzip.ErrHeader, gzip.ErrChecksum, tar.ErrHeader, marc.ErrNoMARC} {
		known = known || errors.Is(err, sign)
	}
	if !known {
		return err
	}
	return fmt.Errorf("is cut off, damaged or of another format: %w; wait until it is complete, or run the job again", err)
}

func tooMuch(limit int64) error {
	return handler.Permanent(fmt.Errorf("unpacks to more than max_bytes, %d; raise it if the file is meant to be that large", limit))
}

// limited ends a stream after limit bytes, with an error.
type limited struct {
	in          io.Reader
	left, limit int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, tooMuch(l.limit)
	}
	n, err := l.in.Read(p[:min(int64(len(p)), l.left+1)])
	l.left -= int64(n)
	return n, err
}
