package transfer_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hookline/hookline/alma/transfer"
	"github.com/hookline/hookline/pkg/store/local"
)

func TestAStylesheetMakesAFileOfEachRecord(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("xsltproc"); err != nil {
		t.Skip("xsltproc is not installed; apt-get install xsltproc")
	}
	sheet := filepath.Join(t.TempDir(), "title.xsl")
	text := `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:m="http://www.loc.gov/MARC21/slim">
<xsl:template match="/"><title><xsl:value-of select="//m:datafield[@tag='245']/m:subfield[@code='a']"/></title></xsl:template></xsl:stylesheet>`
	if err := os.WriteFile(sheet, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, transfer.Config{Through: transfer.Through{XSLT: sheet}, Write: transfer.Write{Per: "record"}}).has("E.xml", marcxml(t, 1, 3))
	if err := b.run(); err != nil {
		t.Fatal(err)
	}
	if got := b.delivered(); len(got) != 3 || !strings.Contains(got["E-2.xml"], ">Title &amp; 2</title>") {
		t.Errorf("%v", got)
	}
}

func TestAProgramThatFailsDeliversNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		per, command string
		batch        int
		want         string // of the error
		files        int
	}{
		{"file", "cat; echo wrong >&2; exit 3", 0, "exit status 3: wrong", 0},
		{"file", "exit 3", 0, "exit status 3", 0},
		{"file", "head -c 100", 0, "", 1}, // it wants no more, which is its right
		{"file", "cat", 0, "", 1},
		{"batch", "cat", 50, "", 2},
		{"record", `in=$(cat); case "$in" in *"Title &amp; 3<"*) echo bad >&2; exit 1;; esac; echo "$in"`, 0, "", 99},
	} {
		b := newBench(t, transfer.Config{Through: transfer.Through{Command: []string{"sh", "-c", c.command}, Ext: ".out"}, Write: transfer.Write{Per: c.per, Batch: c.batch}})
		err := b.has("E.xml", marcxml(t, 1, 100)).run()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) || len(b.delivered()) != c.files {
			t.Errorf("%s %s: %v, %d files", c.per, c.command, err, len(b.delivered()))
		}
		if c.files == 99 {
			if reports := b.logs.FilterMessage("bad record").All(); len(reports) != 1 || !strings.HasSuffix(fmt.Sprint(reports[0].ContextMap()["error"]), "exit status 1") || !strings.Contains(fmt.Sprint(reports[0].ContextMap()["error"]), "record 3") {
				t.Errorf("%v", reports)
			}
		}
	}
	b := newBench(t, transfer.Config{Through: transfer.Through{Command: []string{"/not/there"}}}).has("E.xml", marcxml(t, 1, 100))
	b.fails(b.run(), false, "/not/there")
}

func TestAFailedDeliveryIsNotTheRecordsFault(t *testing.T) {
	t.Parallel()
	nowhere := transfer.Location{Local: &local.Config{Dir: "/dev/null/nowhere"}}
	for _, command := range []string{"cat", "cat; exit 1", "yes", "trap '' PIPE; yes"} {
		b := newBench(t, transfer.Config{To: nowhere, Through: transfer.Through{Command: []string{"sh", "-c", command}}, Write: transfer.Write{Per: "record"}})
		b.fails(b.has("E.xml", marcxml(t, 1, 3)).run(), false, "/dev/null")
	}
	b := newBench(t, transfer.Config{Through: transfer.Through{Command: []string{"no-such-program"}}, Write: transfer.Write{Per: "record"}})
	b.fails(b.has("E.xml", marcxml(t, 1, 3)).run(), false, "executable file not found")
}
