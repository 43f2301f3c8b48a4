package transfer_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/hookline/hookline/alma/transfer"
)

// sparse is what `truncate -s 64M bomb.xml && tar --sparse --format=posix -czf` makes: an archive of 298 bytes, 2 KiB unpacked, with a file of 64 MiB.
const sparse = "H4sIAAAAAAAAA+3U3U6DMBQHcK77FDxBOf2AQjK8VK+MifEButkLFqAGMCE+vWXJlg113pDp4v93UziHhsLpKU8e7Xjv7Ivr+mTtmzUfmzpaFgWZ1rsxmI8kjYlEqoh0ZsQUF8JoiuJx4XV86a0fbBeWcol3/UFSxncPz7x/tV3veGO3visFm0WrNkSJyfw42trGlfsdw9TJjM7Zuq/eXTkVNM8zzWQRN0MVZghTpEoKTTkvjFC5JDkl7adkmh6Sm29n/vbvu3o8CWV72lXttqodVyQLtfBBcL7/hZiuT/s/NVJH8UV6ct//nffDued+ys8/7kpIRkxTkbFDpxKa6h9ZbXxdu3DA+vZmlRzdYBcAAAAAAAAAAAAAAAAAAABcjQ9Q2xm8ACgAAA=="

func TestArchiveLimits(t *testing.T) {
	t.Parallel()
	bomb, err := base64.StdEncoding.DecodeString(sparse)
	if err != nil {
		t.Fatal(err)
	}
	one := marcxml(t, 1, 2)
	for _, read := range []string{"", "bytes"} {
		b := newBench(t, transfer.Config{Read: read, MaxBytes: 1 << 20}).has("E.tar.gz", string(bomb))
		b.fails(b.run(), true, "max_bytes, 1048576")
		b = newBench(t, transfer.Config{Read: read}).has("E.tar.gz", archive(t, "link", "-> /etc/passwd"))
		b.fails(b.run(), false, "holds no file")
		b = newBench(t, transfer.Config{Read: read}).has("E.tar.gz", archive(t))
		b.fails(b.run(), false, "holds no file")
	}
	for _, read := range []string{"", "bytes", "lines", "marc21", "marcxml"} {
		b := newBench(t, transfer.Config{Read: read}).has("E.xml", "")
		b.fails(b.run(), false, "is cut off, damaged or of another format")
	}
	b := newBench(t, transfer.Config{Read: "bytes"}).has("E.tar.gz", archive(t, "a.xml", one, "b.xml", one))
	b.fails(b.run(), true, "b.xml: read: bytes delivers one file")
}

func TestAStylesheetIsGivenNothingUnread(t *testing.T) {
	t.Parallel()
	_, err := transfer.New(transfer.Config{Read: "bytes", Through: transfer.Through{XSLT: "x.xsl"}}, nil, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "through.xslt: needs records") {
		t.Error(err)
	}
}
