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

// archiveReader gives the files of a tar archive one after the other, of anything else the one file that it is, in gzip or
// not. It looks at what a file is, not at its name.
type archiveReader struct {
	in      *bufio.Reader
	archive *tar.Reader // nil: not an archive
	given   int         // files so far
	left    int64       // bytes that the archive's files may still say they have
	limit   int64
}

// errEmpty says that there is nothing (yet).
var errEmpty = errors.New("holds no file")

// newArchiveReader reads at most limit bytes out of in, whatever they were packed into.
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

// next returns the next file's contents, which hold until the next call, and its name inside the archive; io.EOF at
// the end. The name is never one to write to; links, devices and folders are passed over.
func (u *archiveReader) next() (string, io.Reader, error) {
	if u.archive == nil {
		if u.given++; u.given > 1 {
			return "", nil, io.EOF
		}
		return "", u.in, nil
	}
	for {
		header, err := u.archive.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, u.in) // up to the checksum of gzip
			switch {
			case err == nil && u.given == 0:
				err = errEmpty
			case err == nil:
				err = io.EOF
			}
		}
		if err != nil {
			return "", nil, err
		}
		if header.Typeflag == tar.TypeReg {
			u.given++
			if u.left -= header.Size; u.left < 0 { // of a sparse file most is not in the archive
				return "", nil, tooMuch(u.limit)
			}
			return path.Base(header.Name), u.archive, nil
		}
	}
}

// damaged says what to do about a file that is not what it began as.
func damaged(err error) error {
	var corrupt flate.CorruptInputError
	known := errors.As(err, &corrupt)
	for _, sign := range []error{io.ErrUnexpectedEOF, errEmpty, gzip.ErrHeader, gzip.ErrChecksum, tar.ErrHeader, marc.ErrNoMARC} {
		known = known || errors.Is(err, sign)
	}
	if !known {
		return err
	}
	return fmt.Errorf("is cut off, damaged or something else: %w; wait until it is written, or have the job run again", err)
}

func tooMuch(limit int64) error {
	return handler.Permanent(fmt.Errorf("unpacks to more than max_bytes, %d; raise it if that is right", limit))
}

// limited ends a stream that unpacks to more than anybody expected.
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
