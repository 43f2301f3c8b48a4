package log

import (
	"context"
	"fmt"

	"go.uber.org/zap/zapcore"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// Preview returns the fields of the log line.
func (l *logger) Preview(_ context.Context, d event.Delivery) (p handler.Preview, err error) {
	line, err := zapcore.NewJSONEncoder(zapcore.EncoderConfig{SkipLineEnding: true}).EncodeEntry(zapcore.Entry{}, l.line(d))
	if err != nil {
		return p, fmt.Errorf("log: %w", err)
	}
	defer line.Free()
	p.Add("line", line.String())
	return p, nil
}
