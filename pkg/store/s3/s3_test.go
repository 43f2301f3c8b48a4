package s3_test

import (
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/hookline/hookline/pkg/store"
	"github.com/hookline/hookline/pkg/store/s3"
	"github.com/hookline/hookline/pkg/store/storetest"
)

func TestBucket(t *testing.T) {
	t.Parallel()
	backend := s3mem.New()
	server := httptest.NewTLSServer(checked(gofakes3.New(backend).Server(), "secret")) // without TLS it stores the client's signed chunks as they come
	t.Cleanup(server.Close)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	if err := backend.CreateBucket("exports"); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", "/alma/2026/"} {
		cfg := s3.Config{Endpoint: server.URL, Region: "us-east-1", Bucket: "exports", AccessKey: "key", SecretKey: "secret", PathStyle: true, CA: ca, Dir: dir}
		location, err := s3.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		storetest.Run(t, location, func(t *testing.T) (names []string) {
			prefix := gofakes3.NewPrefix(nil, nil)
			list, err := backend.ListBucket("exports", &prefix, gofakes3.ListBucketPage{})
			if err != nil {
				t.Fatal(err)
			}
			for _, object := range list.Contents {
				names = append(names, object.Key)
			}
			return names
		})
	}
	location, err := s3.New(s3.Config{Endpoint: server.URL, Region: "us-east-1", Bucket: "missing", AccessKey: "key", SecretKey: "secret", PathStyle: true, CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, location)
	location, err = s3.New(s3.Config{Endpoint: server.URL, Region: "us-east-1", Bucket: "exports", AccessKey: "key", SecretKey: "hush", PathStyle: true, CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, location)
}

func refused(t *testing.T, location store.Location) {
	t.Helper()
	conn, _ := location.Connect(t.Context())
	if err := conn.Put(t.Context(), "x", strings.NewReader("x")); !errors.Is(err, store.ErrRefused) || strings.Contains(err.Error(), "hush") {
		t.Errorf("not refused: %v", err)
	}
}

// TestVersityGateway runs against a server that checks every signature, those of the parts of a stream too.
// Debian has no such server.
func TestVersityGateway(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("versitygw")
	if err != nil {
		t.Skip("versitygw is not installed; go install github.com/versity/versitygw/cmd/versitygw@v1.8.0")
	}
	root, address := t.TempDir(), "127.0.0.1:"+storetest.Port(t)
	bucket := filepath.Join(root, "exports")
	if err := os.Mkdir(bucket, 0o750); err != nil {
		t.Fatal(err)
	}
	storetest.Start(t, address, program, "--port", address, "--access", "key", "--secret", "secret", "--quiet", "posix", "--sidecar", t.TempDir(), root)
	cfg := s3.Config{Endpoint: "http://" + address, Region: "us-east-1", Bucket: "exports", AccessKey: "key", SecretKey: "secret", PathStyle: true}
	location, err := s3.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, location, func(t *testing.T) []string {
		return slices.DeleteFunc(storetest.Files(os.DirFS(bucket))(t), func(name string) bool { return strings.HasPrefix(name, ".sgwtmp/") })
	})
	for _, change := range []func(*s3.Config){func(c *s3.Config) { c.SecretKey = "hush" }, func(c *s3.Config) { c.Bucket = "missing" }} {
		wrong := cfg
		change(&wrong)
		location, err := s3.New(wrong)
		if err != nil {
			t.Fatal(err)
		}
		refused(t, location)
	}
}

func TestNewErrors(t *testing.T) {
	t.Parallel()
	_, err := s3.New(s3.Config{Endpoint: "s3.example.org"})
	for _, want := range []string{"endpoint: must be https://host", "bucket, access_key, secret_key: are required"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
