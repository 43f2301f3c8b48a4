package app

import (
	"fmt"
	"io"
	"os"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"

	"github.com/hookline/hookline/pkg/text"
)

// NewLogger returns a logger that writes to w from level up. format is json, console, or auto: console on a terminal, else
// json.
func NewLogger(w io.Writer, level, format string) (*zap.Logger, error) {
	at, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, fmt.Errorf("log level %q: use debug, info, warn or error", level)
	}
	c := zap.NewProductionEncoderConfig()
	c.TimeKey, c.EncodeTime, c.EncodeDuration = "time", utc, zapcore.StringDurationEncoder
	var encoder zapcore.Encoder
	switch {
	case format == "json", format == "auto" && !IsTerminal(w):
		encoder = zapcore.NewJSONEncoder(c)
	case format == "console", format == "auto":
		c.EncodeTime, c.EncodeLevel = zapcore.TimeEncoderOfLayout("15:04:05.000"), zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(c)
	default:
		return nil, fmt.Errorf("log format %q: use auto, json or console", format)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), at)), nil
}

func utc(t time.Time, enc zapcore.PrimitiveArrayEncoder) {
	zapcore.TimeEncoderOfLayout("2006-01-02T15:04:05.000Z")(t.UTC(), enc)
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool { return Terminal(w) != nil }

// Terminal returns the terminal that w is, or that a text.Writer w has behind it; nil: none.
func Terminal(w io.Writer) *os.File {
	if escaping, ok := w.(*text.Writer); ok {
		w = escaping.Unwrap()
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}
