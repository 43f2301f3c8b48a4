package notify

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/handler"
)

// TestAPanicOfALibraryEndsNoProcess has one in a goroutine, where the worker cannot catch it.
func TestAPanicOfALibraryEndsNoProcess(t *testing.T) {
	t.Parallel()
	err := await(context.Background(), func() error { panic("patron") })
	if !errors.Is(err, errMaybe) || strings.Contains(handler.LogText(err), "patron") || !strings.Contains(err.Error(), "patron") {
		t.Error(err)
	}
}
