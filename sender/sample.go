package sender

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// samples holds a folder per preset. NAME.json and NAME.xml are bodies, and NAME.header has the headers of both, a
// "Name: value" per line. NAME is the action, followed by "+" and a word if an action has several samples. The files can
// contain the placeholders of func placeholders.
//
//go:embed samples
var samples embed.FS

// Sample is the template of a message in the form of one sender. Message adds the ID and the time.
type Sample struct {
	// Preset is the sender, as in signature.Presets.
	Preset string
	// Name is the sample's name for people: the Action, or Action+VARIANT such as "job_end+failed".
	Name string
	// Action is the part of the routing key after the source: "loan.loan_created".
	Action string
	// Format is json or xml.
	Format string

	header, body string // with placeholders
}

// Samples returns the samples of a preset by name, JSON before XML. An unknown preset has none.
func Samples(preset string) []Sample {
	folder := path.Join("samples", preset)
	files, err := fs.ReadDir(samples, folder)
	if err != nil {
		return nil
	}
	var out []Sample
	for _, file := range files {
		extension := path.Ext(file.Name())
		if extension == ".header" {
			continue
		}
		name := strings.TrimSuffix(file.Name(), extension)
		action, _, _ := strings.Cut(name, "+")
		out = append(out, Sample{
			Preset: preset, Name: name, Action: action, Format: strings.TrimPrefix(extension, "."),
			header: text(path.Join(folder, name+".header")), body: text(path.Join(folder, file.Name())),
		})
	}
	slices.SortFunc(out, func(a, b Sample) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Format, b.Format))
	})
	return out
}

// Find returns the sample with that name, or the first one with that action. An empty format prefers JSON. The error
// lists the names of the preset's samples.
func Find(preset, name, format string) (Sample, error) {
	var names []string
	for _, s := range Samples(preset) {
		if format != "" && s.Format != format {
			continue
		}
		if s.Name == name || s.Action == name { // a bare action sorts before its variants
			return s, nil
		}
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return Sample{}, fmt.Errorf("no sample for %q in format %q; send a file instead", preset, format)
	}
	return Sample{}, fmt.Errorf("no sample %q for %s; choose one of %s", name, preset, strings.Join(slices.Compact(names), ", "))
}

// text returns the text of an embedded file, or "" if the file is missing.
func text(name string) string {
	b, err := samples.ReadFile(name)
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(b), "\n")
}
