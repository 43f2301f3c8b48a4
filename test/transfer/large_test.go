package transfer

import (
	"bufio"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"golang.org/x/crypto/ssh"

	"github.com/hookline/hookline/pkg/store/storetest"
)

// maxResident is what the program may take of memory, however large the export is, in KiB.
const maxResident = 256 << 10

// TestALargeExportTakesConstantMemory sends an export from SFTP through a change to S3, and looks at what the program took of
// memory. HOOKLINE_TEST_RECORDS is how many records of 2.1 KB it has: 1,000,000 in `task test:transfer-large`.
func TestALargeExportTakesConstantMemory(t *testing.T) {
	records, err := strconv.Atoi(os.Getenv("HOOKLINE_TEST_RECORDS"))
	if err != nil {
		records = 20_000
	}
	server, size := serveExport(t, records)
	bucket := s3mem.New()
	if err := bucket.CreateBucket("exports"); err != nil {
		t.Fatal(err)
	}
	s3 := httptest.NewTLSServer(gofakes3.New(bucket).Server())
	t.Cleanup(s3.Close)

	h := newHookline(t, fetching(server)+fmt.Sprintf(`
      where: 'has("245")'
      change: [ { drop: ["9XX"] }, { rename: { from: "035", to: "935" } }, { set: { field: "999$a", value: 'file + "#" + string(n)' } } ]
      write: { format: marcxml, path: "{job}/{file}{ext}" }
      to: { s3: { endpoint: %q, region: us-east-1, bucket: exports, access_key: key, secret_key: secret, path_style: true, ca_file: ca.pem } }
    timeout: 9m
    retry: { attempts: 1 }
`, s3.URL))
	h.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s3.Certificate().Raw})))
	h.start()
	begun := time.Now()
	h.jobEnds("5", "LARGE")
	h.wait(`"msg":"delivery `, 10*time.Minute)
	took := time.Since(begun)
	if !h.log.has("delivery done") || !h.log.has(fmt.Sprintf(`"records":%d,"filtered":0,"bad":0`, records)) {
		t.Fatal(h.log)
	}
	object, err := bucket.HeadObject("exports", "5/LARGE_1.xml")
	if err != nil || object.Size < size*9/10 {
		t.Fatalf("%v, %+v", err, object)
	}
	resident, cpu := usage(t, h.cmd.Process.Pid)
	t.Logf("%d records, %d MB in, %d MB out, in %v: %.0f records/s, %.1f MB/s; %v of CPU; at most %d MiB of memory",
		records, size>>20, object.Size>>20, took.Round(time.Second), float64(records)/took.Seconds(), float64(size>>20)/took.Seconds(), cpu, resident>>10)
	if resident > maxResident {
		t.Errorf("the program took %d MiB of memory", resident>>10)
	}
}

// usage is the most that a process had of memory, in KiB, and its CPU time.
func usage(t *testing.T, pid int) (resident int, cpu time.Duration) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("this system does not tell how much memory a process took")
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Skip("this system does not tell how much memory a process took")
	}
	resident, _ = strconv.Atoi(string(found[1]))
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+2:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return resident, time.Duration(user+system) * 10 * time.Millisecond
}

// serveExport starts an SFTP server with the export LARGE of so many records.
func serveExport(t *testing.T, records int) (server storetest.SFTP, size int64) {
	t.Helper()
	folder := t.TempDir()
	size = writeExport(t, filepath.Join(folder, "LARGE_1.xml"), records)
	return storetest.NewSFTP(t, folder), size
}

// fetching is the configuration of a route that fetches it; the rest of its handler comes after it.
func fetching(server storetest.SFTP) string {
	return fmt.Sprintf(`
data: data
sources: { alma: { preset: alma, secrets: "${ALMA_WEBHOOK_SECRET}" } }
routes:
  large:
    match: alma.job_end
    handler:
      kind: transfer
      from: { sftp: { address: %q, user: alma, password: secret, fingerprint: %q } }`,
		server.Address, ssh.FingerprintSHA256(server.Host.PublicKey()))
}

func writeExport(t *testing.T, name string, records int) (size int64) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriterSize(f, 1<<20)
	subjects := strings.Repeat(`<datafield ind1=" " ind2="0" tag="650"><subfield code="a">Libraries and readers</subfield><subfield code="z">Österreich</subfield></datafield>`, 12)
	_, _ = out.WriteString(`<?xml version="1.0" encoding="UTF-8"?><collection>`)
	for n := range records {
		fmt.Fprintf(out, `<record><leader>00000cam a2200000 a 4500</leader><controlfield tag="001">99%010d</controlfield><controlfield tag="008">850423s1984    xxu           000 0 eng d</controlfield><datafield ind1=" " ind2=" " tag="035"><subfield code="a">(EXL)%d</subfield></datafield><datafield ind1="1" ind2="0" tag="245"><subfield code="a">Title &amp; %d</subfield></datafield>%s<datafield ind1=" " ind2=" " tag="949"><subfield code="a">ours</subfield></datafield></record>
`, n, n, n, subjects)
	}
	_, _ = out.WriteString(`</collection>`)
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
