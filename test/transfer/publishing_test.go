package transfer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/hookline/hookline/pkg/store/storetest"
)

// TestTheExampleOfPublishing runs deployments/examples/alma-publishing.yml as it is, between two SFTP servers.
func TestTheExampleOfPublishing(t *testing.T) {
	t.Parallel()
	published, index := t.TempDir(), t.TempDir()
	from, to := storetest.NewSFTP(t, published), storetest.NewSFTP(t, index)
	example, err := os.ReadFile("../../deployments/examples/alma-publishing.yml")
	if err != nil {
		t.Fatal(err)
	}
	h := newHookline(t, string(example), "SFTP_ADDRESS="+from.Address, "SFTP_PASSWORD=secret", "INDEX_ADDRESS="+to.Address, "INDEX_PASSWORD=secret")
	h.write("known_hosts", knownhosts.Line([]string{knownhosts.Normalize(from.Address)}, from.Host.PublicKey())+"\n"+
		knownhosts.Line([]string{knownhosts.Normalize(to.Address)}, to.Host.PublicKey())+"\n")
	if err := os.Mkdir(filepath.Join(published, "publishing"), 0o750); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"incremental_6587815790006421_20261121_200239[040]_new.tar.gz":    "<collection/>",
		"incremental_6587815790006421_20261121_200239[040]_delete.tar.gz": "<collection><record/></collection>",
		"incremental_6587815790006499_20261121_200239[040]_new.tar.gz":    "of another job",
	} {
		if err := os.WriteFile(filepath.Join(published, "publishing", name), packed(t, text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.start()
	if out, err := h.command("send", "alma", "job_end+publishing", "--id", "6587815790006421").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	h.wait("delivery done", time.Minute)
	files, err := filepath.Glob(filepath.Join(index, "incoming", "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for i, want := range []string{"<collection><record/></collection>", "<collection/>"} { // delete, new
		if got, err := os.ReadFile(files[i]); string(got) != want {
			t.Errorf("%s holds %q, %v", files[i], got, err)
		}
	}
}

// packed is how Alma publishes a file.
func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	archive := tar.NewWriter(zipped)
	if err := archive.WriteHeader(&tar.Header{Name: "records.xml", Mode: 0o600, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	for _, end := range []func() error{archive.Close, zipped.Close} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}
