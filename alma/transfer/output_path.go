package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// outputPath is the name of what is delivered, with placeholders.
type outputPath string

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

// maxElement is how long a name in a folder may be, in bytes, with room for the name of its part.
const maxElement = 200

func parsePath(text, per string) (outputPath, error) {
	var errs []error
	for _, found := range placeholder.FindAllStringSubmatch(text, -1) {
		switch found[1] {
		case "job", "file", "ext", "n", "id":
		default:
			errs = append(errs, fmt.Errorf("write.path: no placeholder {%s}; there are {job} {file} {n} {id} {ext}", found[1]))
		}
	}
	for element := range strings.SplitSeq(placeholder.ReplaceAllString(text, "x"), "/") {
		if element == "" || element[0] == '.' || len(element) > maxElement {
			errs = append(errs, fmt.Errorf(`write.path: %q has an element that is empty, too long or begins with "."`, text))
		}
	}
	counted := strings.Contains(text, "{n}") || per == perRecord && strings.Contains(text, "{id}")
	if per != perFile && !counted {
		errs = append(errs, fmt.Errorf("write.path: must contain {n}, the number of the file, or several would have the same name"))
	}
	if per != perRecord && strings.Contains(text, "{id}") {
		errs = append(errs, errors.New("write.path: {id} is for per: record only"))
	}
	if !strings.Contains(text, "{file}") {
		errs = append(errs, errors.New("write.path: must contain {file}, the name of what was fetched, or several of a job would have the same name"))
	}
	return outputPath(text), errors.Join(errs...)
}

// name fills p for the nth thing that is made of a file. id is the record's, if it is one.
func (p outputPath) name(job, file, ext string, n int, id string) string {
	values := map[string]string{"{job}": clean(job), "{file}": clean(stem(file)), "{ext}": ext, "{n}": strconv.Itoa(n), "{id}": clean(id)}
	return placeholder.ReplaceAllStringFunc(string(p), func(found string) string { return values[found] })
}

var packed = regexp.MustCompile(`(?i)(\.(xml|mrc|marc|txt|csv|json))?(\.(tar\.gz|tgz|tar|gz))?$`)

// stem is the name of a file without its folder and the extensions that say how it is packed and what it is.
func stem(name string) string { return packed.ReplaceAllString(path.Base(name), "") }

// clean makes a value a part of a name that no place takes for anything else. A value that is changed by it, or that
// is too long, gets a hash of what it was.
func clean(value string) string {
	cleaned := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.+=@,[]", r) {
			return r
		}
		return '_'
	}, value)
	if cleaned = strings.TrimLeft(cleaned, "."); cleaned == value && len(value) <= maxElement/2 && value != "" {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return cleaned[:min(len(cleaned), maxElement/2)] + "~" + hex.EncodeToString(sum[:6])
}

func (p outputPath) has(placeholder string) bool { return strings.Contains(string(p), placeholder) }
