package config_test

import (
	"strings"
	"testing"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/pkg/signature"
)

func TestPresetsOfTheSchemaAreTheReceivers(t *testing.T) {
	t.Parallel()
	for _, name := range signature.Presets() {
		if !strings.Contains(string(config.Schema()), `"`+name+`"`) {
			t.Errorf("the schema lacks preset %s", name)
		}
	}
}
