// Package reference holds the parts of the reference that programs serve.
package reference

import _ "embed"

//go:embed openapi.yaml
var openAPI []byte

// OpenAPI returns the description of the JSON API in OpenAPI 3.1.
func OpenAPI() []byte { return openAPI }
