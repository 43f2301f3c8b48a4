package errorpattern_test

import (
	"testing"

	"github.com/hookline/hookline/pkg/errorpattern"
)

func TestErrorsThatDifferByNumbersAndIDsAreAlike(t *testing.T) {
	t.Parallel()
	for _, alike := range [][]string{
		{"POST 127.0.0.1:20011: dial tcp 127.0.0.1:20011: connection refused", "POST 10.0.0.7:80: dial tcp 10.0.0.7:80: connection refused"},
		{"no answer within 1m30s", "no answer within 1.5s", "no answer within 200ms"},
		{`item "23104-77" is unknown`, `item "8" is unknown`, `item "d1d45be6-cafe-feed-beef-9101e33430c6" is unknown`},
		{`answered 500: {"code":"E17","tracking":"A0B1"}`, `answered 500: {"code":"E17","tracking":"77"}`},
		{"the database of the service is away", "the database of the service is away"},
		{"GET http://10.0.0.7:80/a: HTTP 500", "GET http://127.0.0.1:8080/a: HTTP 500"},
		{"HTTP/1.1 502 for item 7", "HTTP/1.1 502 for item 23104"},
		{"", ""},
	} {
		for _, s := range alike {
			if got, want := errorpattern.Of(s), errorpattern.Of(alike[0]); got != want {
				t.Errorf("%q: %q, want %q", s, got, want)
			}
		}
	}
	for _, other := range [][2]string{
		{"answered 500: no", "answered 404: no"}, {"exit status 1", "exit status 2"},
		{"HTTP 500", "HTTP 502"}, {"HTTP/1.1 500 no", "HTTP/1.1 502 no"}, {"HTTP/2 500", "HTTP/2 502"}, {"http: 500", "http: 404"},
		{"status_code=500", "status_code=502"}, {"HTTP status: 500", "HTTP status: 502"},
		{"connection refused", "connection reset"},
		{"GET a.example: timeout after 3s", "GET b.example: timeout after 3s"},
	} {
		if errorpattern.Of(other[0]) == errorpattern.Of(other[1]) {
			t.Errorf("%q and %q are alike: %q", other[0], other[1], errorpattern.Of(other[0]))
		}
	}
}
