package config

import (
	"bytes"
	_ "embed" // schema.json
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// schemaText is generated from Config and the structs below it: `task docs` writes it.
//
//go:embed schema.json
var schemaText []byte

// Schema returns the JSON Schema (draft 2020-12) of the configuration file.
func Schema() []byte { return bytes.Clone(schemaText) }

// validate compares the file with the schema and adds a problem for every difference.
func (d *document) validate() error {
	schema, err := compileSchema()
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	invalid := d.differences(schema)
	if d.retype(invalid) {
		invalid = d.differences(schema)
	}
	for _, leaf := range invalid {
		d.addLeaf(leaf)
	}
	return nil
}

func compileSchema() (*jsonschema.Schema, error) {
	const url = "hookline.schema.json"
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaText))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(url, doc); err != nil {
		return nil, err
	}
	return compiler.Compile(url)
}

// differences returns the leaves of the validator's tree, which are the errors.
func (d *document) differences(schema *jsonschema.Schema) []*jsonschema.ValidationError {
	var instance any
	if err := d.root.Decode(&instance); err != nil {
		d.add(syntaxProblem(d.file, err))
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(schema.Validate(instance), &invalid) {
		return nil
	}
	return leaves(invalid)
}

func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if _, name := e.ErrorKind.(*kind.PropertyNames); name || len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var all []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		all = append(all, leaves(cause)...)
	}
	return all
}

// retype makes a value from the environment or a file a number or a boolean where the schema wants one.
func (d *document) retype(invalid []*jsonschema.ValidationError) (changed bool) {
	for _, e := range invalid {
		node := d.find(e.InstanceLocation)
		if _, ok := e.ErrorKind.(*kind.Type); ok && d.expanded[node] {
			node.Tag, node.Style, changed = "", 0, true
		}
	}
	return changed
}

func (d *document) addLeaf(e *jsonschema.ValidationError) {
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			path := append(slices.Clone(e.InstanceLocation), name)
			d.add(d.atKey(path, "unknown key; known here: %s", strings.Join(schemaAt(e.SchemaURL).keys(), ", ")))
		}
		return
	case *kind.Required:
		d.add(d.at(e.InstanceLocation, "%s is missing", strings.Join(k.Missing, ", ")))
		return
	case *kind.Type:
		d.add(d.at(e.InstanceLocation, "is of type %s, want %s%s", k.Got, strings.Join(k.Want, " or "), remedy(k, schemaAt(e.SchemaURL).Description)))
		return
	case *kind.PropertyNames:
		_, pointer, _ := strings.Cut(e.SchemaURL, "#/properties/") // "routes/propertyNames"; the validator reuses the memory of InstanceLocation here
		parent, _, _ := strings.Cut(pointer, "/")
		path := []string{parent, k.Property}
		d.add(d.atKey(path, "%q is not %s", k.Property, schemaAt(e.SchemaURL).Description))
		return
	case *kind.Pattern:
		if form := schemaAt(e.SchemaURL).Description; form != "" {
			value := strconv.Quote(k.Got)
			if d.expanded[d.find(e.InstanceLocation)] {
				value = "its value" // it may be a secret in the wrong place
			}
			d.add(d.at(e.InstanceLocation, "%s is not %s", value, form))
			return
		}
	}
	d.add(d.at(e.InstanceLocation, "%s", e.ErrorKind.LocalizedString(message.NewPrinter(language.English))))
}

// remedy says how to write a value of the right type. It does not repeat the value, which may be a secret.
func remedy(k *kind.Type, form string) string {
	switch wanted := slices.Contains(k.Want, "string"); {
	case wanted && k.Got == "number" && strings.HasPrefix(form, "a duration"):
		return "; write " + form
	case wanted && (k.Got == "number" || k.Got == "boolean"):
		return "; put it in quotes"
	case slices.Equal(k.Want, []string{"array"}) && k.Got == "string":
		return `; write a list, such as ["one", "two"]`
	}
	return ""
}

// schemaNode is the part of a schema that an error message needs.
type schemaNode struct {
	Description string         `json:"description"`
	Properties  map[string]any `json:"properties"`
}

func (n schemaNode) keys() []string { return slices.Sorted(maps.Keys(n.Properties)) }

// schemaAt finds the part of the schema that a validation error names as "file#/json/pointer".
func schemaAt(url string) (node schemaNode) {
	_, pointer, _ := strings.Cut(url, "#")
	text := json.RawMessage(schemaText)
	for _, step := range strings.Split(pointer, "/")[1:] { // an empty pointer is the whole schema
		text = schemaStep(text, strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
	}
	if json.Unmarshal(text, &node) != nil {
		return schemaNode{} // a list or a boolean: nothing to say
	}
	return node
}

func schemaStep(text json.RawMessage, step string) json.RawMessage {
	var object map[string]json.RawMessage
	if json.Unmarshal(text, &object) == nil {
		return object[step]
	}
	var items []json.RawMessage
	if i, err := strconv.Atoi(step); err == nil && json.Unmarshal(text, &items) == nil && i >= 0 && i < len(items) {
		return items[i]
	}
	return nil
}
