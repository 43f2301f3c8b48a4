package notify

import "testing"

func TestPhoneNumbersAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ typed, country, want string }{
		{"+49 170 555-0100", "", "+491705550100"}, {"0049 170 5550100", "", "+491705550100"}, {"+49 (0)170/555.01.00", "1", "+491705550100"},
		{"0170 5550100", "49", "+491705550100"}, {"(617) 555-0100", "1", "+16175550100"}, {"0170 5550100", "", ""},
		{"", "49", ""}, {"extension 12", "49", ""}, {"+0 170 5550100", "49", ""}, {"12", "49", ""}, {"+49 170 5550100 ext. 3", "49", ""}, {"+1234567890123456", "", ""},
	} {
		if got, ok := phone(c.typed, c.country); ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%q of %q: %q, %v", c.typed, c.country, got, ok)
		}
	}
}
