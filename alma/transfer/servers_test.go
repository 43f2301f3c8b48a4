package transfer_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"golang.org/x/crypto/ssh"
	"golang.org/x/net/webdav"
	"golang.org/x/sync/errgroup"

	"github.com/hookline/hookline/alma/marc"
	"github.com/hookline/hookline/alma/transfer"
	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/store"
	"github.com/hookline/hookline/pkg/store/dropbox"
	"github.com/hookline/hookline/pkg/store/ftp"
	"github.com/hookline/hookline/pkg/store/s3"
	"github.com/hookline/hookline/pkg/store/sftp"
	"github.com/hookline/hookline/pkg/store/storetest"
	dav "github.com/hookline/hookline/pkg/store/webdav"
)

// TestAThousandRecordsFromAndToEachKindOfServer has two workers do the same transfer at once, and a third one make a file of each record, from
// and to the same server: of an archive as Alma publishes it, with bad records, and of binary MARC 21 with wrong lengths in leaders.
func TestAThousandRecordsFromAndToEachKindOfServer(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) (transfer.Location, func(*testing.T) (store.Location, error)){
		"SFTP": func(t *testing.T) (transfer.Location, func(*testing.T) (store.Location, error)) {
			server := storetest.NewOpenSSH(t)
			cfg := sftp.Config{Address: server.Address, User: server.Name, Key: setting.Secret(server.User), Fingerprint: ssh.FingerprintSHA256(server.Host.PublicKey()), Dir: t.TempDir()}
			return transfer.Location{SFTP: &cfg}, func(*testing.T) (store.Location, error) { return sftp.New(cfg) }
		},
		"FTP": func(t *testing.T) (transfer.Location, func(*testing.T) (store.Location, error)) {
			address, cert := storetest.NewVsftpd(t, storetest.Folder(t), true)
			cfg := ftp.Config{Address: address, CA: cert}
			return transfer.Location{FTP: &cfg}, func(*testing.T) (store.Location, error) { return ftp.New(cfg) }
		},
		"WebDAV": func(t *testing.T) (transfer.Location, func(*testing.T) (store.Location, error)) {
			server := httptest.NewServer(&webdav.Handler{FileSystem: webdav.Dir(t.TempDir()), LockSystem: webdav.NewMemLS()})
			t.Cleanup(server.Close)
			cfg := dav.Config{URL: server.URL}
			return transfer.Location{WebDAV: &cfg}, func(*testing.T) (store.Location, error) { return dav.New(cfg) }
		},
		"S3": func(t *testing.T) (transfer.Location, func(*testing.T) (store.Location, error)) {
			bucket := s3mem.New()
			server := httptest.NewTLSServer(gofakes3.New(bucket).Server())
			t.Cleanup(server.Close)
			if err := bucket.CreateBucket("exports"); err != nil {
				t.Fatal(err)
			}
			ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
			cfg := s3.Config{Endpoint: server.URL, Region: "us-east-1", Bucket: "exports", AccessKey: "key", SecretKey: "secret", PathStyle: true, CA: ca}
			return transfer.Location{S3: &cfg}, func(*testing.T) (store.Location, error) { return s3.New(cfg) }
		},
		"Dropbox": func(t *testing.T) (transfer.Location, func(*testing.T) (store.Location, error)) {
			d := storetest.NewDropbox(t)
			cfg := dropbox.Config{RefreshToken: "refresh", AppKey: "key", AppSecret: "app secret", APIURL: d.URL, ContentURL: d.URL}
			return transfer.Location{Dropbox: &cfg}, func(*testing.T) (store.Location, error) { return dropbox.New(cfg) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, open := open(t)
			location, err := open(t)
			if err != nil {
				t.Fatal(err)
			}
			thousand(t, cfg, location)
		})
	}
}

// thousand transfers both exports from and to a place.
func thousand(t *testing.T, cfg transfer.Location, location store.Location) {
	conn, err := location.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	xml := strings.NewReplacer(`encoding="UTF-8"`, `encoding="UTF-16"`, "990000000250</controlfield>", "990000000250</controlfeld>", `990000000500</controlfield>`, "990000000500\xff</controlfield>",
		"<record>\n<leader>00000cam a2200000 a 4500</leader>\n<controlfield tag=\"001\">990000000750", "<record>\n<leader>short</leader>\n<controlfield tag=\"001\">990000000750").Replace(marcxml(t, 1, 1000))
	binary := strings.Split(strings.TrimSuffix(written(t, marc.NewBinaryWriter, 1, 1000), "\x1d"), "\x1d")
	binary[0], binary[599] = "abcde"+binary[0][5:], "00042"+binary[599][5:]
	for name, text := range map[string]string{"in/E_1.tar.gz": archive(t, "../../E.xml", xml), "in/E_2.mrc": strings.Join(binary, "\x1d") + "\x1d"} {
		if err := conn.Put(t.Context(), name, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	var workers errgroup.Group
	begin := func(files string, write transfer.Write, bad int) {
		b := newBench(t, transfer.Config{From: cfg, To: cfg, Find: transfer.Find{Dir: "in", Files: files}, Write: write})
		workers.Go(func() error {
			err := b.run()
			if reports := b.logs.FilterMessage("bad record").Len(); err == nil && reports != bad {
				err = fmt.Errorf("%d bad records", reports)
			}
			return err
		})
	}
	for range 2 {
		begin("export", transfer.Write{Per: "batch", Batch: 100, Path: "out/{job}/{file}-{n}.xml"}, 5)
	}
	begin(`{link}_1\.tar\.gz`, transfer.Write{Per: "record", Path: "each/{file}/{id}.xml"}, 3)
	if err := workers.Wait(); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]int{"out/5": 20, "each/E_1": 997} {
		names, err := conn.List(t.Context(), dir)
		if err != nil || len(names) != want {
			t.Errorf("%s: %d files, %v", dir, len(names), err)
		}
	}
	for file, bad := range map[string][]int{"E_1": {250, 500, 750}, "E_2": {1, 600}} {
		var got []string
		for n := 1; n <= 10; n++ {
			got = append(got, ids(t, fetched(t, conn, fmt.Sprintf("out/5/%s-%d.xml", file, n)))...)
		}
		for n := 1; n <= 1000; n++ {
			if id := fmt.Sprintf("99%010d", n); slices.Contains(got, id) == slices.Contains(bad, n) {
				t.Errorf("%s: record %d", file, n)
			}
		}
		if len(got) != 1000-len(bad) {
			t.Errorf("%s: %d records", file, len(got))
		}
	}
	if got := ids(t, fetched(t, conn, path.Join("each", "E_1", "990000001000.xml"))); len(got) != 1 {
		t.Error(got)
	}
}

func fetched(t *testing.T, conn store.Conn, name string) string {
	t.Helper()
	in, err := conn.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	return string(text)
}
