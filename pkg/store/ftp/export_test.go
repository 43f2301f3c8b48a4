package ftp

import (
	"time"

	"github.com/hookline/hookline/pkg/store"
)

// WaitAtEnd sets how long a place waits for what a server says at the end of a file.
func WaitAtEnd(p store.Place, wait time.Duration) { p.(*place).wait = wait }
