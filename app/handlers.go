package app

import (
	"maps"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/alma/reconcile"
	"github.com/hookline/hookline/alma/transfer"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/handlers/exec"
	"github.com/hookline/hookline/handlers/file"
	"github.com/hookline/hookline/handlers/http"
	loghandler "github.com/hookline/hookline/handlers/log"
	"github.com/hookline/hookline/handlers/notify"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/jsonbody"
)

// Kinds returns the built-in kinds of handlers, and the kinds of a custom build, which win. It registers their metrics once, although a
// configuration may be read often.
func Kinds(env config.Env, reg prometheus.Registerer, log *zap.Logger, own handler.Registry) config.MakeKinds {
	requests, messages, transfers := alma.NewMetrics(reg), notify.NewMetrics(reg), transfer.NewMetrics(reg)
	decoding := jsonbody.NewBudget()
	forward, notification := http.Defaults(), notify.Defaults()
	forward.Decoding, notification.Decoding = decoding, decoding
	return func(data string, institutions map[string]alma.Config) config.Kinds {
		libraries := libraries{institutions, map[string]*alma.Client{}, requests}
		kinds := handler.Registry{
			"exec": handler.NewKind(exec.Config{}, func(c exec.Config) (handler.Handler, error) { return exec.New(c, programEnv(env)) }),
			"file": handler.NewKind(file.Defaults(), func(c file.Config) (handler.Handler, error) { return file.New(c, data) }),
			"http": handler.NewKind(forward, http.New),
			"log":  handler.NewKind(loghandler.Config{}, func(c loghandler.Config) (handler.Handler, error) { return loghandler.New(c, log.Named("event")) }),
			"notify": handler.NewKind(notification, func(c notify.Config) (handler.Handler, error) {
				return libraries.notify(c, messages, log.Named("notify"))
			}),
			"reconcile": handler.NewKind(reconcile.Defaults(), func(c reconcile.Config) (handler.Handler, error) {
				client, err := libraries.client(c.Alma)
				if err != nil {
					return nil, err
				}
				return reconcile.New(c, client, log.Named("reconcile"))
			}),
			"transfer": handler.NewKind(transfer.Defaults(), func(c transfer.Config) (handler.Handler, error) {
				return transfer.New(c, programEnv(env), transfers, log.Named("transfer"))
			}),
		}
		maps.Copy(kinds, own)
		return config.Kinds{Handlers: kinds, Enrich: libraries.enrich, Decoding: decoding}
	}
}

// programEnv returns the variables that programs need, without the secrets of the environment.
func programEnv(env config.Env) (out []string) {
	for _, name := range []string{"PATH", "HOME", "LANG", "TZ"} {
		if value, ok := env(name); ok {
			out = append(out, name+"="+value)
		}
	}
	return out
}
