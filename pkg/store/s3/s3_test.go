package s3_test

import (
	"encoding/pem"
	"errors"
	"net/http/httptest"
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
	server := httptest.NewTLSServer(gofakes3.New(backend).Server()) // without TLS it stores the client's signed chunks as they come
	t.Cleanup(server.Close)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	if err := backend.CreateBucket("exports"); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", "/alma/2026/"} {
		cfg := s3.Config{Endpoint: server.URL, Region: "us-east-1", Bucket: "exports", AccessKey: "key", SecretKey: "secret", PathStyle: true, CA: ca, Dir: dir}
		place, err := s3.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		storetest.Run(t, place, func(t *testing.T) (names []string) {
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
	place, err := s3.New(s3.Config{Endpoint: server.URL, Region: "us-east-1", Bucket: "missing", AccessKey: "key", SecretKey: "secret", PathStyle: true, CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	conn, _ := place.Connect(t.Context())
	if err := conn.Put(t.Context(), "x", strings.NewReader("x")); !errors.Is(err, store.ErrRefused) {
		t.Errorf("a bucket that is not there: %v", err)
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := s3.New(s3.Config{Endpoint: "s3.example.org"})
	for _, want := range []string{"endpoint: must be https://host", "bucket, access_key, secret_key: are required"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
