package config_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/alma/enrich"
	"github.com/hookline/hookline/alma/reconcile"
	"github.com/hookline/hookline/alma/transfer"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/handlers/exec"
	"github.com/hookline/hookline/handlers/file"
	"github.com/hookline/hookline/handlers/http"
	loghandler "github.com/hookline/hookline/handlers/log"
	"github.com/hookline/hookline/handlers/notify"
	"github.com/hookline/hookline/pkg/privacy"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/pkg/store/dropbox"
	"github.com/hookline/hookline/pkg/store/ftp"
	"github.com/hookline/hookline/pkg/store/local"
	"github.com/hookline/hookline/pkg/store/rclone"
	"github.com/hookline/hookline/pkg/store/s3"
	"github.com/hookline/hookline/pkg/store/sftp"
	"github.com/hookline/hookline/pkg/store/webdav"
	"github.com/hookline/hookline/receiver"
	"github.com/hookline/hookline/schedule"
	"github.com/hookline/hookline/worker"
)

type object struct {
	Properties map[string]object `json:"properties"`
	Others     *object           `json:"additionalProperties"`
	Defs       map[string]object `json:"$defs"`
}

// TestSchemaAndStructsHaveTheSameKeys keeps what editors offer and what the program reads from drifting apart.
func TestSchemaAndStructsHaveTheSameKeys(t *testing.T) {
	t.Parallel()
	var schema object
	if err := json.Unmarshal(config.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	source, notified := schema.Defs["source"], schema.Defs["handler_notify"]
	for name, c := range map[string]struct {
		object object
		value  any
		more   []string // keys that package config reads itself
	}{
		"limits":           {schema.Properties["limits"], receiver.Limits{}, nil},
		"tls":              {schema.Properties["tls"], struct{}{}, []string{"cert", "key"}},
		"spool":            {schema.Properties["spool"], config.Spool{}, nil},
		"source":           {source, receiver.Source{}, []string{"kind", "preset"}},
		"redact":           {schema.Defs["redact"], privacy.Config{}, nil},
		"schedule":         {schema.Defs["schedule"], schedule.Source{}, []string{"kind"}},
		"source.handshake": {source.Properties["handshake"], receiver.Handshake{}, nil},
		"source.event":     {source.Properties["event"], receiver.Extract{}, nil},
		"source.rate":      {source.Properties["rate"], receiver.Rate{}, nil},
		"scheme":           {schema.Defs["scheme"], signature.Scheme{}, nil},
		"scheme.signature": {schema.Defs["scheme"].Properties["signature"], signature.Signature{}, nil},
		"scheme.timestamp": {schema.Defs["scheme"].Properties["timestamp"], signature.Timestamp{}, nil},
		"route.pause":      {schema.Defs["route"].Properties["pause"], worker.Pause{}, nil},
		"route.retry":      {schema.Defs["route"].Properties["retry"], worker.Retry{}, nil},
		"exec":             {schema.Defs["handler_exec"], exec.Config{}, []string{"kind"}},
		"file":             {schema.Defs["handler_file"], file.Config{}, []string{"kind"}},
		"http":             {schema.Defs["handler_http"], http.Config{}, []string{"kind"}},
		"http.sign":        {schema.Defs["handler_http"].Properties["sign"], http.Sign{}, nil},
		"reconcile":        {schema.Defs["handler_reconcile"], reconcile.Config{}, []string{"kind"}},
		"alma":             {*schema.Properties["alma"].Others, alma.Config{}, nil},
		"enrich":           {schema.Defs["route"].Properties["enrich"], enrich.Config{}, nil},
		"notify":           {notified, notify.Config{}, []string{"kind"}},
		"notify.sms":       {notified.Properties["sms"], notify.SMS{}, nil},
		"notify.twilio":    {notified.Properties["sms"].Properties["twilio"], notify.Twilio{}, nil},
		"notify.sns":       {notified.Properties["sms"].Properties["sns"], notify.SNS{}, nil},
		"notify.http":      {notified.Properties["sms"].Properties["http"], notify.HTTP{}, nil},
		"notify.email":     {notified.Properties["email"], notify.Email{}, nil},
		"log":              {schema.Defs["handler_log"], loghandler.Config{}, []string{"kind"}},
		"transfer":         {schema.Defs["handler_transfer"], transfer.Config{}, []string{"kind"}},
		"transfer.find":    {schema.Defs["handler_transfer"].Properties["find"], transfer.Find{}, nil},
		"transfer.write":   {schema.Defs["handler_transfer"].Properties["write"], transfer.Write{}, nil},
		"transfer.through": {schema.Defs["handler_transfer"].Properties["through"], transfer.Through{}, nil},
		"place":            {schema.Defs["place"], transfer.Location{}, nil},
		"place.local":      {schema.Defs["place"].Properties["local"], local.Config{}, nil},
		"place.sftp":       {schema.Defs["place"].Properties["sftp"], sftp.Config{}, nil},
		"place.ftp":        {schema.Defs["place"].Properties["ftp"], ftp.Config{}, nil},
		"place.webdav":     {schema.Defs["place"].Properties["webdav"], webdav.Config{}, nil},
		"place.s3":         {schema.Defs["place"].Properties["s3"], s3.Config{}, nil},
		"place.dropbox":    {schema.Defs["place"].Properties["dropbox"], dropbox.Config{}, nil},
		"place.rclone":     {schema.Defs["place"].Properties["rclone"], rclone.Config{}, nil},
	} {
		want := slices.Sorted(slices.Values(append(yamlKeys(c.value), c.more...)))
		if got := slices.Sorted(maps.Keys(c.object.Properties)); !slices.Equal(got, want) {
			t.Errorf("%s: the schema has %v, the struct %v", name, got, want)
		}
	}
}

// UnmarshalJSON takes the schemas true, which allows anything, and false for an object without properties.
func (o *object) UnmarshalJSON(text []byte) error {
	if string(text) == "true" || string(text) == "false" {
		return nil
	}
	type plain object
	return json.Unmarshal(text, (*plain)(o))
}

func yamlKeys(v any) (keys []string) {
	for i := range reflect.TypeOf(v).NumField() {
		if key, _, _ := strings.Cut(reflect.TypeOf(v).Field(i).Tag.Get("yaml"), ","); key != "-" && key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

func TestPresetsOfTheSchemaAreTheReceivers(t *testing.T) {
	t.Parallel()
	for _, name := range signature.Presets() {
		if !strings.Contains(string(config.Schema()), `"`+name+`"`) {
			t.Errorf("the schema lacks preset %s", name)
		}
	}
}
