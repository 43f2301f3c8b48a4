// Command hookline takes webhooks in, keeps every one, and gets the work done. A custom build with handlers of its own
// is a copy of this file: see docs/tutorials/first-handler.md.
package main

import (
	"os"

	"github.com/hookline/hookline/cli"
)

// version is set by a release: -ldflags "-X main.version=1.2.3".
var version string

func main() {
	os.Exit(cli.Program{Version: version}.Main())
}
