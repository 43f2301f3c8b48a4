package setting_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.yaml.in/yaml/v4"

	"github.com/hookline/hookline/pkg/setting"
)

func TestASecretIsHiddenHoweverItIsWritten(t *testing.T) {
	type account struct {
		Key   setting.Secret `yaml:"key"`
		Other setting.Secret `yaml:"other,omitempty" json:",omitempty"`
	}
	a := account{Key: "hunter2"}
	var all []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		all = append(all, fmt.Sprintf(verb, a), fmt.Sprintf(verb, &a), fmt.Sprintf(verb, a.Key), fmt.Sprintf(verb, map[string]setting.Secret{"k": a.Key}))
	}
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, func(v any) ([]byte, error) { return yaml.Dump(v) }} {
		text, err := marshal(a)
		if err != nil || !strings.Contains(string(text), setting.Hidden) || strings.Contains(strings.ToLower(string(text)), "other") {
			t.Errorf("%v %s", err, text)
		}
		all = append(all, string(text))
	}
	var log bytes.Buffer
	for _, encoder := range []zapcore.Encoder{zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig())} {
		zap.New(zapcore.NewCore(encoder, zapcore.AddSync(&log), zap.DebugLevel)).Info("x", zap.Any("account", a), zap.Stringer("key", a.Key), zap.Any("keys", []setting.Secret{a.Key}), zap.Error(fmt.Errorf("key %v", a.Key)))
	}
	for _, text := range append(all, log.String()) {
		if strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", "hunter2")) {
			t.Error(text)
		}
	}
	if shown := a.Other.String(); shown != "" {
		t.Errorf("an empty secret is shown as %q, as if there were one", shown)
	}
	if string(a.Key) != "hunter2" {
		t.Error("the value is lost")
	}
}

func TestASecretIsReadFromYAML(t *testing.T) {
	var got struct {
		Key  setting.Secret `yaml:"key"`
		One  setting.List   `yaml:"one"`
		Many setting.List   `yaml:"many"`
		Same setting.List   `yaml:"same"`
	}
	err := yaml.Load([]byte("key: hunter2\none: &one a\nmany: [a, b]\nsame: *one\n"), &got)
	if err != nil || got.Key != "hunter2" || !slices.Equal(got.One, setting.List{"a"}) || !slices.Equal(got.Many, setting.List{"a", "b"}) || !slices.Equal(got.Same, got.One) {
		t.Errorf("%v %+v", err, got)
	}
	if err := yaml.Load([]byte("one: { a: b }\n"), &got); err == nil {
		t.Error("a mapping was taken for a list")
	}
}

func TestErrorsNameTheirFields(t *testing.T) {
	cause := errors.New("cause")
	var errs setting.Errors
	errs.Add("url", nil)
	if errs.Err() != nil {
		t.Error("nil is an error")
	}
	errs.Add("url", cause)
	errs.Addf("", "is %d", 5)
	if err := errs.Err(); err.Error() != "url: cause\nis 5" || !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
	fields := setting.Fields(errors.Join(errs.Err().(interface{ Unwrap() []error }).Unwrap()[0], cause))
	if len(fields) != 2 || fields[0].Field != "url" || !errors.Is(fields[0].Err, cause) || fields[1].Field != "" {
		t.Errorf("%v", fields)
	}
	if setting.Fields(nil) != nil {
		t.Error("nil has fields")
	}
}
