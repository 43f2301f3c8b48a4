package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const configurationHead = `# Configuration

Hookline reads one YAML file, ` + "`hookline.yml`" + `. This page is generated from the program: ` + "`task docs`" + ` writes it anew.

- Every value may hold ` + "`${NAME}`" + ` or ` + "`${NAME:-default}`" + ` from the environment; ` + "`$${`" + ` stands for ` + "`${`" + `.
- Every key may be written as ` + "`key_file`" + `, with the path of a file that holds the value. A relative path begins at the
  folder of the configuration file.
- A duration is a number with a unit, such as ` + "`500ms`, `30s`, `5m` or `1h30m`" + `.
- An unknown key is an error. ` + "`hookline config check`" + ` reports all errors at once, ` + "`hookline config show`" + ` shows the
  values in force, and ` + "`hookline config schema`" + ` prints the JSON Schema for editors.
`

// width is the longest line of the page in characters.
const width = 120

// configuration returns the reference of the configuration file: each key of the schema, with examples of the sample configuration.
func configuration(root string, g *generator) string {
	text, err := os.ReadFile(filepath.Join(root, "hookline.sample.yml"))
	if err != nil {
		panic(err) // it is in the repository
	}
	p := configurationPage{g: g, sample: sample(string(text))}
	p.text.WriteString(configurationHead)
	top := g.schema()
	p.top(top)
	for _, name := range []string{"source", "schedule"} {
		p.section("sources: "+map[string]string{"source": "webhook", "schedule": "schedule"}[name], g.defs[name])
	}
	p.section("redact", g.defs["redact"])
	p.section("routes", g.defs["route"])
	p.example("routes", p.sample.route("http"))
	for _, kind := range g.kinds.Kinds() {
		p.section("handler: "+kind, g.defs["handler_"+kind])
		p.example("routes", p.sample.route(kind))
	}
	p.section("location", g.defs["location"])
	return strings.TrimRight(p.text.String(), "\n") + "\n"
}

type configurationPage struct {
	text   strings.Builder
	g      *generator
	sample sample
}

// top writes the keys at the top of the file: a list of those without keys of their own, and a section for each other.
func (p *configurationPage) top(top object) {
	required, properties := strs(top.get("required")), top.get("properties").(object)
	p.text.WriteString("\n## Top of the file\n\n")
	for _, m := range properties {
		if value := p.resolve(m.value); keysOf(value) == nil {
			p.key(0, m.key, value, slices.Contains(required, m.key))
		}
	}
	p.example("", p.sample.block("listen"), p.sample.block("data"), p.sample.block("trusted_proxies"), p.sample.block("redact_key_file"))
	for _, m := range properties {
		if value := p.resolve(m.value); keysOf(value) != nil {
			p.section(m.key, value)
			p.example("", p.sample.block(m.key))
		}
	}
	p.text.WriteString("\n## sources\n\n")
	p.paragraph("", "", description(properties.get("sources").(object)))
	p.example("", p.sample.block("sources"))
}

// section writes an object's description and its keys.
func (p *configurationPage) section(title string, o object) {
	fmt.Fprintf(&p.text, "\n## %s\n\n", title)
	if text := description(o); text != "" {
		p.paragraph("", "", text)
		p.text.WriteString("\n")
	}
	if below, ok := o.get("additionalProperties").(object); ok { // a mapping of names
		p.text.WriteString("Each name has these keys:\n\n")
		o = p.resolve(below)
	}
	p.keys(0, o)
}

func (p *configurationPage) keys(depth int, o object) {
	properties, _ := o.get("properties").(object)
	for _, m := range properties {
		if value, ok := m.value.(object); ok {
			p.key(depth, m.key, p.resolve(value), slices.Contains(strs(o.get("required")), m.key))
		}
	}
}

// own are the definitions with a section of their own.
func own() map[string]string {
	return map[string]string{"redact": "redact", "location": "location", "handler": "handler-exec"}
}

// key writes one key as an item of a list, and the keys below it.
func (p *configurationPage) key(depth int, name string, o object, required bool) {
	indent := strings.Repeat("  ", depth)
	text := fmt.Sprintf("`%s` (%s)", name, strings.Join(notes(o, required), ", "))
	if about := description(o); about != "" {
		text += ": " + about
	}
	section, elsewhere := own()[fmt.Sprint(o.get("section"))]
	if elsewhere {
		text += fmt.Sprintf(" See [%s](#%s).", strings.ReplaceAll(section, "handler-exec", "the handlers"), section)
	}
	p.paragraph(indent+"- ", indent+"  ", text)
	if elsewhere {
		return
	}
	if items, ok := o.get("items").(object); ok {
		o = p.resolve(items)
	}
	p.keys(depth+1, o)
}

// resolve follows a reference; the keywords beside it win.
func (p *configurationPage) resolve(v any) object {
	o, _ := v.(object)
	at, ok := o.get("$ref").(string)
	if !ok {
		return o
	}
	name := strings.TrimPrefix(at, "#/$defs/")
	resolved := slices.Clone(p.g.defs[name])
	for _, m := range o {
		if m.key != "$ref" {
			resolved.set(m.key, m.value)
		}
	}
	resolved.set("section", name)
	return resolved
}

// keysOf are the keys of an object, or of each item of a mapping; nil for sources and routes, which have sections of their own.
func keysOf(o object) object {
	if below, ok := o.get("additionalProperties").(object); ok {
		o = below
	}
	properties, _ := o.get("properties").(object)
	return properties
}

// description returns an object's description as Markdown, with a full stop.
func description(o object) string {
	text, _ := o.get("description").(string)
	if text != "" && !strings.HasSuffix(text, ".") {
		text += "."
	}
	return strings.NewReplacer("*", `\*`, "<", `\<`).Replace(text)
}

// notes are the type, the limits and the default of a key.
func notes(o object, required bool) []string {
	notes := []string{typeName(o)}
	if values := strs(o.get("enum")); values != nil {
		quoted := make([]string, 0, len(values))
		for _, value := range values {
			if value != "" {
				quoted = append(quoted, "`"+value+"`")
			}
		}
		notes[0] = strings.Join(quoted, ", ")
	}
	if value := o.get("const"); value != nil {
		notes[0] = fmt.Sprintf("`%v`", value)
	}
	for _, limit := range [][2]string{{"minimum", "at least %v"}, {"exclusiveMinimum", "more than %v"}, {"maximum", "at most %v"}, {"minLength", "at least %v characters"}} {
		if value := o.get(limit[0]); value != nil && o.get("section") != "duration_or_0" && (limit[0] != "minLength" || fmt.Sprint(value) != "1") {
			notes = append(notes, fmt.Sprintf(limit[1], value))
		}
	}
	if value := o.get("default"); value != nil {
		notes = append(notes, fmt.Sprintf("default `%v`", value)+size(value))
	}
	if o.get("writeOnly") == true {
		notes = append(notes, "secret")
	}
	if required {
		notes = append(notes, "required")
	}
	return notes
}

// size returns a large number of bytes in a unit that a person reads.
func size(value any) string {
	switch n, _ := value.(int64); {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf(", which is %d GiB", n>>30)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf(", which is %d MiB", n>>20)
	}
	return ""
}

func typeName(o object) string {
	switch o.get("section") {
	case "duration":
		return "duration"
	case "duration_or_0":
		return "duration or 0"
	}
	switch t := o.get("type").(type) {
	case []string:
		if slices.Contains(t, "array") {
			return "text, or a list"
		}
		return "text, or keys"
	case string:
		if below, ok := o.get("additionalProperties").(object); ok && below.get("type") == "string" {
			return "names with texts"
		}
		return map[string]string{"string": "text", "integer": "number", "number": "number", "boolean": "true or false", "array": "list", "object": "keys"}[t]
	}
	return "keys"
}

// paragraph writes text in lines of at most width characters: first begins the first line, and indent the others.
func (p *configurationPage) paragraph(first, indent, text string) {
	line, empty := first, true
	for word := range strings.FieldsSeq(text) {
		switch {
		case empty:
			line += word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			p.text.WriteString(line + "\n")
			line = indent + word
		default:
			line += " " + word
		}
		empty = false
	}
	p.text.WriteString(line + "\n")
}

// example writes parts of the sample configuration, below a key if there is one.
func (p *configurationPage) example(below string, parts ...string) {
	if parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" }); len(parts) == 0 {
		return
	}
	if below != "" {
		parts[0] = below + ":\n" + parts[0]
	}
	fmt.Fprintf(&p.text, "\n```yaml\n%s```\n", strings.Join(parts, ""))
}

// sample is the text of hookline.sample.yml.
type sample string

// block returns the lines of a key at the top, also of one that is a comment.
func (s sample) block(key string) string {
	var block strings.Builder
	for line := range strings.Lines(string(s)) {
		uncommented := strings.TrimPrefix(line, "# ")
		switch {
		case block.Len() == 0 && strings.HasPrefix(uncommented, key+":"):
			block.WriteString(uncommented)
		case block.Len() > 0 && (strings.HasPrefix(line, " ") || line == "\n"):
			block.WriteString(line)
		case block.Len() > 0:
			return strings.TrimRight(block.String(), "\n") + "\n"
		}
	}
	return strings.TrimLeft(strings.TrimRight(block.String(), "\n")+"\n", "\n")
}

// route returns the lines of the first route with a handler of the kind.
func (s sample) route(kind string) string {
	_, routes, _ := strings.Cut(s.block("routes"), "\n")
	is := regexp.MustCompile(`kind: ` + kind + `\b`)
	for route := range strings.SplitSeq(routes, "\n\n") {
		if is.MatchString(route) {
			return strings.TrimRight(route, "\n") + "\n"
		}
	}
	return ""
}
