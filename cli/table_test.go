package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
)

func TestATableFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		columns int
		cut     bool
		want    string
	}{
		{0, false, "ID  ERROR\n1   answered 500: the database of the service is away\n"},
		{80, false, "ID  ERROR\n1   answered 500: the database of the service is away\n"},
		{30, true, "ID  ERROR\n1   answered 500: the databas…\n"},
		{27, false, "ID     1\nERROR  answered 500: the\n       database of the\n       service is away\n"},
	} {
		tab := table{header: []string{"ID", "ERROR"}}
		tab.add("1", "answered 500: the database\nof the service is away")
		var out strings.Builder
		if cut, err := tab.print(&out, c.columns); out.String() != c.want || cut != c.cut || err != nil {
			t.Errorf("%d columns: %q, cut %v, %v; want %q", c.columns, out.String(), cut, err, c.want)
		}
	}
}

func TestLongNamesWrapInTheirColumn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		columns int
		want    string
	}{
		{0, "STATE   NAME                               COUNT\nexists  hookline.work.catalog-sync by \"#\"  12\n"},
		{32, "STATE   NAME               COUNT\nexists  hookline.work.     12\n        catalog-sync by\n        \"#\"\n"},
		{29, "STATE   NAME            COUNT\nexists  hookline.work.  12\n        catalog-sync\n        by \"#\"\n"},
		{28, "STATE  exists\nNAME   hookline.work.\n       catalog-sync by \"#\"\nCOUNT  12\n"},
	} {
		tab := table{header: []string{"STATE", "NAME", "COUNT"}, wraps: []int{1}}
		tab.add("exists", `hookline.work.catalog-sync by "#"`, "12")
		var out strings.Builder
		if cut, err := tab.print(&out, c.columns); out.String() != c.want || cut || err != nil {
			t.Errorf("%d columns: cut %v, %v:\n%s\nwant\n%s", c.columns, cut, err, out.String(), c.want)
		}
	}
}

func TestTablesOfTheAuditFitTheTerminal(t *testing.T) {
	t.Parallel()
	name, now := "university-library-of-the-whole-consorti", time.Now()
	for _, columns := range []int{60, 80} {
		for _, tab := range []table{
			sourceTable([]broker.SourceAudit{{Source: name, Received: 1_000_000}}),
			routeTable([]broker.RouteAudit{{Route: name, Accepted: 1_000_000}, {}}),
			spoolTable([]broker.SpoolAudit{{Spool: name, SpoolCounts: broker.SpoolCounts{Taken: 1_000_000}, SilentSince: &now}}),
		} {
			var out strings.Builder
			if cut, err := tab.print(&out, columns); cut || err != nil || !strings.Contains(out.String(), "1000000") {
				t.Errorf("cut %v, %v: %s", cut, err, out.String())
			}
			expectWidth(t, tab.header[0], out.String(), columns)
		}
	}
}
