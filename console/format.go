package console

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
)

// space is between a number and its unit.
const space = "\u00a0"

// number writes a count in full: 371,170.
func number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// words writes a small count in words, for sentences, and a larger one in digits.
func words(n int) string {
	small := strings.Fields("no one two three four five six seven eight nine ten eleven twelve")
	if n >= 0 && n < len(small) {
		return small[n]
	}
	return number(int64(n))
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// many writes a count with its noun: 1 event, 41 events.
func many[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(int64(n)) + " " + noun + "s"
}

// span writes a duration with two units at most: 3 min 40 s, 26 h, 11 ms.
func span(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + space + "ms"
	case d < 10*time.Second:
		return strings.TrimSuffix(strconv.FormatFloat(d.Seconds(), 'f', 1, 64), ".0") + space + "s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + space + "s"
	case d < 10*time.Minute:
		return two(int(d.Minutes()), "min", int(d.Seconds())%60, "s")
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + space + "min"
	case d < 10*time.Hour:
		return two(int(d.Hours()), "h", int(d.Minutes())%60, "min")
	case d < 72*time.Hour:
		return strconv.Itoa(int(d.Hours())) + space + "h"
	}
	return strconv.Itoa(int(d.Hours())/24) + " days"
}

func two(a int, unit string, b int, smaller string) string {
	first := strconv.Itoa(a) + space + unit
	if b == 0 {
		return first
	}
	return first + " " + strconv.Itoa(b) + space + smaller
}

// ago writes the age of a time in whole seconds.
func (c *Console) ago(t time.Time) string {
	age := c.now().Sub(t)
	switch {
	case age < 0:
		return "in " + span((-age).Truncate(time.Second))
	case age < time.Second:
		return "now"
	case age < 10*time.Second:
		return strconv.Itoa(int(age.Seconds())) + space + "s ago"
	}
	return span(age) + " ago"
}

// clock writes a time in the zone of the pages: today's without a day, this week's with the weekday, an older one with the date.
func (c *Console) clock(t time.Time) string {
	t, now := t.In(c.zone), c.now().In(c.zone)
	switch {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return t.Format("15:04:05")
	case now.Sub(t).Abs() < 6*24*time.Hour:
		return t.Format("Mon 15:04:05")
	case t.Year() == now.Year():
		return t.Format("2 Jan 15:04")
	}
	return t.Format("2 Jan 2006")
}

// at writes a time as HTML, for machines, too.
func (c *Console) at(t time.Time) template.HTML {
	return c.timeElement(t, c.clock(t), "")
}

// when writes a time with its age below.
func (c *Console) when(t time.Time) template.HTML {
	return c.timeElement(t, c.clock(t), c.ago(t))
}

// exactly writes a time with its day and milliseconds, and its age below.
func (c *Console) exactly(t time.Time) template.HTML {
	return c.timeElement(t, t.In(c.zone).Format("Mon 2 Jan 15:04:05.000"), c.ago(t))
}

func (c *Console) timeElement(t time.Time, shown, age string) template.HTML {
	if t.IsZero() {
		return ""
	}
	if age != "" {
		age = "<small>" + age + "</small>"
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s%s</time>`, t.UTC().Format("2006-01-02T15:04:05.000Z07:00"), shown, age))
}

// place names the zone of the pages for a time of the clock: "in Vienna", or "UTC".
func (c *Console) place() string {
	if name := c.zone.String(); strings.Contains(name, "/") {
		return "in " + strings.ReplaceAll(name[strings.LastIndex(name, "/")+1:], "_", " ")
	}
	name, _ := c.now().In(c.zone).Zone()
	return name
}
