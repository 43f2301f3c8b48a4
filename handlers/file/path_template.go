package file

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/hookline/hookline/pkg/event"
)

const (
	// maxElement is the longest name on common file systems, in bytes.
	maxElement = 255
	// room is reserved at the end of each element for a hash and metaSuffix.
	room = 48
	// metaSuffix marks the file with an event's metadata.
	metaSuffix = ".meta.json"
)

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

// pathTemplate is a path with placeholders, element by element.
type pathTemplate []string

// parse checks a path of the configuration.
func parse(text string) (pathTemplate, error) {
	if strings.ContainsAny(text, "\\\x00") {
		return nil, errors.New(`path: must not contain "\" or NUL; folders are separated by "/"`)
	}
	if !strings.Contains(text, "{id}") {
		return nil, errors.New("path: must contain {id}, or different events would get the same name")
	}
	var errs []error
	t := pathTemplate(strings.Split(text, "/"))
	for _, element := range t {
		for _, found := range placeholder.FindAllStringSubmatch(element, -1) {
			if _, ok := values(event.Delivery{})[found[1]]; !ok {
				errs = append(errs, fmt.Errorf("path: no placeholder {%s}; there are {source} {action} {key} {id} {route} {ext} {date} {year} {month} {day} {hour} {time}", found[1]))
			}
		}
		literal := placeholder.ReplaceAllString(element, "x")
		if literal != safe(clean(literal)) || len(literal) > maxElement-room {
			errs = append(errs, fmt.Errorf("path: %q cannot be the name of a file or folder: not empty, no leading dot, no reserved name, only letters, digits and %s, at most %d bytes", element, allowed, maxElement-room))
		}
	}
	return t, errors.Join(errs...)
}

// expand returns the path of a delivery under the handler's folder, with "/" between its elements. A value cannot
// add an element or form a reserved name.
func (t pathTemplate) expand(d event.Delivery) string {
	values := values(d)
	elements := make([]string, len(t))
	for i, element := range t {
		elements[i] = fit(safe(placeholder.ReplaceAllStringFunc(element, func(p string) string {
			return clean(values[p[1:len(p)-1]])
		})))
	}
	return path.Join(elements...)
}

// pattern matches the paths that expand can have made. Its group "id" has the ID of the event, as far as the path shows it.
func (t pathTemplate) pattern() *regexp.Regexp {
	const changed = `[\w.+=@,~-]+~[0-9a-f]{16}[\w.+=@,~-]{0,16}` // by safe or fit
	elements := make([]string, len(t))
	for i, element := range t {
		text, rest := "", element
		for _, found := range placeholder.FindAllStringSubmatchIndex(element, -1) {
			literal := element[len(element)-len(rest) : found[0]]
			text, rest = text+regexp.QuoteMeta(literal)+valuePattern(element[found[2]:found[3]]), element[found[1]:]
		}
		elements[i] = "(?:" + text + regexp.QuoteMeta(rest) + "|" + changed + ")"
	}
	first, rest, _ := strings.Cut(strings.Join(elements, "/"), idGroup)
	return regexp.MustCompile("^" + first + idGroup + strings.ReplaceAll(rest, idGroup, "(?:") + "$") // a group's name is there once
}

// idGroup begins the group of pattern.
const idGroup = "(?P<id>"

// valuePattern matches the values of a placeholder.
func valuePattern(name string) string {
	switch name {
	case "ext":
		return `\.(?:json|xml|form|txt|bin)(?:\.(?:gz|br|zst|encoded))?`
	case "date":
		return `\d{4}-\d\d-\d\d`
	case "year":
		return `\d{4}`
	case "month", "day", "hour":
		return `\d\d`
	case "time":
		return `\d{8}T\d{6}\.\d{3}Z`
	case "id":
		return `(?P<id>[\w.+=@,~-]*)`
	}
	return `[\w.+=@,~-]*`
}

func values(d event.Delivery) map[string]string {
	at := d.Event.Time.UTC()
	return map[string]string{
		"source": d.Event.Source, "action": d.Event.Action, "key": d.Event.Key(), "id": d.Event.ID, "route": d.Route,
		"ext": extension(d.Event), "date": at.Format("2006-01-02"), "year": at.Format("2006"), "month": at.Format("01"),
		"day": at.Format("02"), "hour": at.Format("15"), "time": at.Format("20060102T150405.000Z"),
	}
}

const allowed = "- _ . + = @ , ~"

// clean replaces all characters of a value that are not allowed with "_". A changed value gets a hash of the original,
// so that two values never become the same name.
func clean(value string) string {
	cleaned := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-_.+=@,~", r):
			return r
		}
		return '_'
	}, value)
	if cleaned != value {
		return cleaned + "~" + hash(value)
	}
	return value
}

var reserved = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$`)

// safe changes an element that is empty, hidden, a device name on any system, or a name of the handler's own files.
// As in clean, a changed element gets a hash of the original.
func safe(element string) string {
	if element == "" || element[0] == '.' || element[len(element)-1] == '.' || reserved.MatchString(element) || strings.HasSuffix(strings.ToLower(element), metaSuffix) {
		ext := path.Ext(strings.TrimLeft(element, "."))
		if len(ext) < 2 || reserved.MatchString(element) || strings.HasSuffix(strings.ToLower(element), metaSuffix) {
			ext = ""
		}
		return "_" + strings.TrimSuffix(element, ext) + "~" + hash(element) + ext
	}
	return element
}

// fit shortens an element. It keeps the extension and adds a hash of the whole.
func fit(element string) string {
	if len(element) <= maxElement-room {
		return element
	}
	ext := path.Ext(element)
	if len(ext) > 16 {
		ext = ""
	}
	return element[:maxElement-2*room-len(ext)] + "~" + hash(element) + ext
}

// suffixed puts a hash before the extension of a path.
func suffixed(name, hash string) string {
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "-" + hash + ext
}

var suffix = regexp.MustCompile(`-[0-9a-f]{16}(\.[^./]*)?$`)

// unsuffixed takes a hash of suffixed off a path.
func unsuffixed(name string) string { return suffix.ReplaceAllString(name, "$1") }

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}
