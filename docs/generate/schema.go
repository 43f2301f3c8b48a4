package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/alma/transfer"
	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/privacy"
	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/receiver"
	"github.com/hookline/hookline/schedule"
	"github.com/hookline/hookline/worker"
)

// object is a JSON object whose keys keep their order.
type object []member

type member struct {
	key   string
	value any
}

func (o object) get(key string) any {
	for _, m := range o {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

func (o *object) set(key string, value any) {
	for i := range *o {
		if (*o)[i].key == key {
			(*o)[i].value = value
			return
		}
	}
	*o = append(*o, member{key, value})
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	text.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			text.WriteByte(',')
		}
		value, err := encode(m.value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&text, "%q:%s", m.key, value)
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}

func encode(v any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSpace(text.Bytes()), err
}

// generator makes the JSON Schema of the configuration file of the structs that the file is decoded into: keys of their yaml tags,
// constraints of their schema tags, descriptions of their comments, and defaults of their values.
type generator struct {
	comments comments
	kinds    handler.Registry
	defs     map[string]object
}

func newGenerator(root string) *generator {
	noEnv := func(string) (string, bool) { return "", false }
	kinds := app.Kinds(noEnv, prometheus.NewRegistry(), zap.NewNop(), nil)("", nil).Handlers
	return &generator{comments{root: root, texts: map[string]string{}}, kinds, map[string]object{}}
}

// schema returns the whole schema.
func (g *generator) schema() object {
	top := g.structure(reflect.ValueOf(config.Defaults()))
	top = append(object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"title", "Hookline configuration (hookline.yml)"},
		{"description", "Every value may hold ${NAME} or ${NAME:-default} from the environment, and every key may be written as key_file with the path of a file that holds the value."},
	}, top...)
	const duration = `([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|\$\{`
	g.defs["duration"] = object{{"type", "string"}, {"description", "a duration such as 500ms, 30s, 5m or 1h30m"}, {"pattern", "^" + duration}}
	g.defs["duration_or_0"] = object{{"type", []string{"string", "integer"}}, {"description", "a duration such as 10m or 2h, or 0"},
		{"pattern", "^0$|^" + duration}, {"minimum", 0}, {"maximum", 0}}
	var defs object
	for _, name := range sortedKeys(g.defs) {
		defs.set(name, g.defs[name])
	}
	top.set("$defs", defs)
	return top
}

// named are the types that have a definition of their own.
func named() map[reflect.Type]string {
	return map[reflect.Type]string{
		reflect.TypeFor[privacy.Config](): "redact", reflect.TypeFor[config.Source](): "source", reflect.TypeFor[config.Schedule](): "schedule",
		reflect.TypeFor[config.Route](): "route", reflect.TypeFor[config.HandlerPart](): "handler", reflect.TypeFor[transfer.Location](): "location",
	}
}

// of returns the schema of a value's type; the value has the defaults.
func (g *generator) of(v reflect.Value) object {
	t := v.Type()
	if t.Kind() == reflect.Pointer {
		return g.of(reflect.Zero(t.Elem()))
	}
	if name, ok := named()[t]; ok {
		if _, done := g.defs[name]; !done {
			g.defs[name] = nil // a struct may contain itself
			g.defs[name] = g.definition(v)
		}
		return ref(name)
	}
	switch v.Interface().(type) {
	case time.Duration:
		return ref("duration")
	case time.Time, worker.Filter:
		return object{{"type", "string"}}
	case setting.Secret:
		return object{{"type", "string"}, {"writeOnly", true}}
	case setting.List, config.Networks:
		return object{{"type", []string{"string", "array"}}, {"items", object{{"type", "string"}}}}
	case signature.Secrets:
		one := g.of(reflect.ValueOf(signature.Secret{}))
		one.set("type", []string{"string", "object"})
		one.set("minLength", 1)
		return object{{"type", []string{"string", "array"}}, {"minLength", 1}, {"minItems", 1}, {"items", one}}
	case config.Routes:
		external := object{{"required", []string{"external"}}, {"properties", object{{"external", object{{"const", true}}}}}}
		return object{{"type", "object"}, {"additionalProperties", object{
			{"if", external}, {"then", g.of(reflect.ValueOf(config.ExternalRoute{}))}, {"else", g.of(reflect.ValueOf(config.Route{Route: worker.Defaults()}))},
		}}}
	case map[string]config.Source:
		clock := object{{"required", []string{"kind"}}, {"properties", object{{"kind", object{{"const", "schedule"}}}}}}
		return object{{"type", "object"}, {"additionalProperties", object{
			{"if", clock}, {"then", g.of(reflect.ValueOf(config.Schedule{Source: schedule.Defaults()}))}, {"else", g.of(reflect.ValueOf(config.Source{Source: receiver.Defaults()}))},
		}}}
	case map[string]alma.Config:
		return object{{"type", "object"}, {"additionalProperties", g.of(reflect.ValueOf(alma.Defaults()))}}
	}
	return g.plain(v)
}

// plain is of for the types that Go itself has.
func (g *generator) plain(v reflect.Value) object {
	t := v.Type()
	switch t.Kind() {
	case reflect.Struct:
		return g.structure(v)
	case reflect.Map:
		o := object{{"type", "object"}}
		if t.Elem().Kind() != reflect.Interface {
			o.set("additionalProperties", g.of(reflect.Zero(t.Elem())))
		}
		return o
	case reflect.Slice:
		return object{{"type", "array"}, {"items", g.of(reflect.Zero(t.Elem()))}}
	case reflect.String:
		return object{{"type", "string"}}
	case reflect.Bool:
		return object{{"type", "boolean"}}
	case reflect.Int, reflect.Int64:
		return object{{"type", "integer"}}
	case reflect.Float64:
		return object{{"type", "number"}}
	}
	panic("no schema for " + t.String())
}

func ref(name string) object { return object{{"$ref", "#/$defs/" + name}} }

// definition returns the schema of a named type.
func (g *generator) definition(v reflect.Value) object {
	switch v.Interface().(type) {
	case config.HandlerPart:
		return g.handler()
	case privacy.Config:
		o := g.structure(v)
		o.set("type", []string{"string", "object"})
		return o
	}
	return g.structure(v)
}

// handler returns the schema of a handler, and defines one for each kind.
func (g *generator) handler() object {
	var all []object
	for _, kind := range g.kinds.Kinds() {
		o := g.structure(reflect.ValueOf(g.kinds[kind].Config()))
		o.set("required", append([]string{"kind"}, strs(o.get("required"))...))
		o.set("properties", append(object{{"kind", true}}, o.get("properties").(object)...))
		g.defs["handler_"+kind] = o
		is := object{{"properties", object{{"kind", object{{"const", kind}}}}}}
		all = append(all, object{{"if", is}, {"then", ref("handler_" + kind)}})
	}
	kind := object{{"type", "string"}, {"description", strings.Join(g.kinds.Kinds(), ", ") + ", or a kind of your own build"}}
	return object{{"type", "object"}, {"description", "Does the work; a custom build may have more kinds"}, {"required", []string{"kind"}},
		{"properties", object{{"kind", kind}}}, {"allOf", all}}
}

func strs(v any) []string {
	list, _ := v.([]string)
	return list
}

// structure returns the schema of a struct. It allows the keys of its fields, each also as key_file, and no others.
func (g *generator) structure(v reflect.Value) object {
	o := object{{"type", "object"}, {"additionalProperties", false}}
	if text := g.comments.of(v.Type(), ""); text != "" {
		o.set("description", capital(text))
	}
	var properties object
	var required []string
	g.fields(v, &o, &properties, &required)
	if len(required) > 0 {
		o.set("required", required)
	}
	o.set("properties", properties)
	if o.get("maxProperties") == nil { // one key of several mappings is no text
		file := object{{"type", "string"}, {"description", "Path of a file that holds the value; relative to this file"}}
		o.set("patternProperties", object{{"^[a-z_]+_file$", file}})
	}
	return o
}

// fields adds the fields of a struct, and those of the structs that it embeds.
func (g *generator) fields(v reflect.Value, o, properties *object, required *[]string) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		key, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		tag := field.Tag.Get("schema")
		switch {
		case field.Name == "_":
			keywords(o, tag)
		case options == "inline":
			g.fields(v.Field(i), o, properties, required)
		case key != "" && key != "-" && tag != "-":
			property := g.of(v.Field(i))
			setDefault(&property, v.Field(i))
			if keywords(&property, tag) {
				*required = append(*required, key)
			}
			if text := g.comments.of(v.Type(), field.Name); text != "" {
				values := []any{property.get("default"), property.get("const")}
				for _, value := range strs(property.get("enum")) {
					values = append(values, value)
				}
				property.set("description", capital(text, values...))
			}
			properties.set(key, property)
		}
	}
}

// keywords adds the keywords of a schema tag, and tells whether the key is required: "required; minimum=1; enum=a|b; items.minLength=1".
// Three are not of JSON Schema: names=63 limits the names of a mapping, zero makes a duration one that may be 0, presets are the senders.
func keywords(o *object, tag string) (required bool) {
	for keyword := range strings.SplitSeq(tag, ";") {
		key, text, _ := strings.Cut(strings.TrimSpace(keyword), "=")
		switch key {
		case "":
		case "required":
			required = true
		case "zero":
			o.set("$ref", "#/$defs/duration_or_0")
		case "presets":
			o.set("enum", signature.Presets())
		case "enum":
			o.set("enum", strings.Split(text, "|"))
		case "names":
			o.set("propertyNames", object{{"description", "a name: 1 to " + text + " of the characters a-z 0-9 _ -"}, {"pattern", "^[a-z0-9_-]{1," + text + "}$"}})
		default:
			target := o
			if below, ok := strings.CutPrefix(key, "items."); ok {
				items := o.get("items").(object)
				target, key = &items, below
				defer func() { o.set("items", items) }()
			}
			if number, err := strconv.ParseInt(text, 10, 64); err == nil {
				target.set(key, number)
			} else {
				target.set(key, text)
			}
		}
	}
	return required
}

// setDefault adds the default that a value has, if its zero value is not its default.
func setDefault(o *object, v reflect.Value) {
	switch value := v.Interface().(type) {
	case bool:
		o.set("default", value)
	case time.Duration:
		if value != 0 {
			o.set("default", duration(value))
		}
	case setting.List:
		if len(value) == 1 {
			o.set("default", value[0])
		}
	case string, int, int64, float64:
		if !v.IsZero() {
			o.set("default", value)
		}
	}
}

// duration is d as a person writes it: 2m, not 2m0s.
func duration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// schemaText returns the schema as a file.
func schemaText(g *generator) string {
	text, err := encode(g.schema())
	if err != nil {
		panic(err) // it holds texts, numbers, lists and objects only
	}
	var out bytes.Buffer
	_ = json.Indent(&out, text, "", "  ")
	return out.String() + "\n"
}
