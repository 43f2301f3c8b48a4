package transfer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/hookline/hookline/pkg/store/storetest"
)

const export = `<?xml version="1.0" encoding="UTF-16"?><collection>
<record><leader>00000cam a2200000 a 4500</leader><controlfield tag="001">991</controlfield><datafield tag="245" ind1="1" ind2="0"><subfield code="a">Grüße &amp; mehr</subfield></datafield><datafield tag="650" ind1=" " ind2="0"><subfield code="a">One</subfield></datafield><datafield tag="900" ind1=" " ind2=" "><subfield code="a">hush</subfield></datafield></record>
<record><leader>00000dam a2200000 a 4500</leader><controlfield tag="001">992</controlfield></record>
<record><leader>broken</leader></record>
<record><leader>00000cam a2200000 a 4500</leader><controlfield tag="001">994</controlfield></record>
</collection>`

// TestTheExampleIsTheAzureOne runs deployments/examples/alma-transfer.yml as it is, against an SFTP server and a
// Dropbox that checks what it is asked.
func TestTheExampleIsTheAzureOne(t *testing.T) {
	t.Parallel()
	storetest.Program(t, "xsltproc", "xsltproc")
	folder := t.TempDir()
	server, dropbox := storetest.NewSFTP(t, folder), storetest.NewDropbox(t)
	example, err := os.ReadFile("../../deployments/examples/alma-transfer.yml")
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := os.ReadFile("../../deployments/examples/record.xsl")
	if err != nil {
		t.Fatal(err)
	}
	config := strings.Replace(string(example), "dropbox: {", "dropbox: { api_url: "+dropbox.URL+", content_url: "+dropbox.URL+",", 1)
	config = strings.Replace(config, "first: 30s", "first: 100ms", 1)
	h := newHookline(t, config, "SFTP_ADDRESS="+server.Address, "SFTP_PASSWORD=secret", "DROPBOX_REFRESH_TOKEN=refresh", "DROPBOX_APP_KEY=key", "DROPBOX_APP_SECRET=app secret")
	h.write("known_hosts", knownhosts.Line([]string{knownhosts.Normalize(server.Address)}, server.Host.PublicKey())+"\n")
	h.write("record.xsl", string(sheet))
	h.start()

	h.jobEnds("6587815790006421", "BIBLIOGRAPHIC_77")
	h.wait("delivery retried", time.Minute) // there is no such folder, and no file in it
	if err := os.Mkdir(filepath.Join(folder, "exports"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "exports", "BIBLIOGRAPHIC_77_1.xml"), []byte(export), 0o600); err != nil {
		t.Fatal(err)
	}
	h.wait("delivery done", time.Minute)

	files := dropbox.Files()
	if len(files) != 2 || !strings.Contains(files["alma/BIBLIOGRAPHIC_77_1/991.xml"], "<dc:title>Grüße &amp; mehr</dc:title>") || strings.Contains(files["alma/BIBLIOGRAPHIC_77_1/991.xml"], "hush") {
		t.Errorf("%v", files)
	}
	if !h.log.has("record 3 at byte") {
		t.Error("the broken record is not in the log")
	}
	for _, want := range []string{
		`hookline_transfer_records_total{result="delivered"} 2`,
		`hookline_transfer_records_total{result="filtered"} 1`,
		`hookline_transfer_records_total{result="bad"} 1`,
		`hookline_transfer_files_total{direction="out"} 2`,
	} {
		if !strings.Contains(h.metrics(), want) {
			t.Errorf("no %s", want)
		}
	}

	out, err := h.command("transfer", "exports-to-dropbox", "--job", "6587815790006421", "--link", "BIBLIOGRAPHIC_77").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "transferred job 6587815790006421") {
		t.Errorf("%v: %s", err, out)
	}
}
