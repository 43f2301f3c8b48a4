package ftp

import (
	"time"

	"github.com/hookline/hookline/pkg/store"
)

// WaitAtEnd sets how long a location waits for what a server says at the end of a file.
func WaitAtEnd(p store.Location, wait time.Duration) { p.(*location).wait = wait }
