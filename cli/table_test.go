package cli

import (
	"strings"
	"testing"
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
		{27, true, "ID     1\nERROR  answered 500: the datab…\n"},
	} {
		tab := table{header: []string{"ID", "ERROR"}}
		tab.add("1", "answered 500: the database\nof the service is away")
		var out strings.Builder
		if cut, err := tab.print(&out, c.columns); out.String() != c.want || cut != c.cut || err != nil {
			t.Errorf("%d columns: %q, cut %v, %v; want %q", c.columns, out.String(), cut, err, c.want)
		}
	}
}
