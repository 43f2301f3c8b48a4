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

// outputPath is the name of a delivered file, with placeholders.
type outputPath string

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

// maxElement limits a name in a folder, in bytes. It leaves room for the suffix of a part file.
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
		errs = append(errs, fmt.Errorf("write.path: must contain {n}, the number of the file, or several files would have the same name"))
	}
	if per != perRecord && strings.Contains(text, "{id}") {
		errs = append(errs, errors.New("write.path: {id} is for per: record only"))
	}
	if !strings.Contains(text, "{file}") {
		errs = append(errs, errors.New("write.path: must contain {file}, the name of the fetched file, or several files of a job would have the same name"))
	}
	return outputPath(text), errors.Join(errs...)
}

// name fills p for the nth output of a file. id is the record's ID, if the output is one record.
func (p outputPath) name(job, file, ext string, n int, id string) string {
	values := map[string]string{"{job}": clean(job), "{file}": clean(stem(file)), "{ext}": ext, "{n}": strconv.Itoa(n), "{id}": clean(id)}
	return placeholder.ReplaceAllStringFunc(string(p), func(found string) string { return values[found] })
}

var packed = regexp.MustCompile(`(?i)(\.(xml|mrc|marc|txt|csv|json))?(\.(tar\.gz|tgz|tar|gz))?$`)

// stem returns the name of a file without its folder, and without the extensions of its format and packing.
func stem(name string) string { return packed.ReplaceAllString(path.Base(name), "") }

// clean makes a value a safe part of a name for all locations. A changed or too long value gets
// a hash of the original.
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
