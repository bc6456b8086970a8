package webrtc

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// quiet takes what pion logs: all of it comes from what packets from outside make happen, so it is for who looks for it.
type quiet struct{ log *slog.Logger }

func (q quiet) NewLogger(scope string) logging.LeveledLogger {
	return quiet{q.log.With("part", scope)}
}

// say formats only what is wanted.
func (q quiet) say(f string, a ...any) {
	if q.log.Enabled(context.Background(), slog.LevelDebug) {
		q.log.Debug(fmt.Sprintf(f, a...))
	}
}

func (q quiet) Trace(string)              {} // several a packet
func (q quiet) Tracef(string, ...any)     {}
func (q quiet) Debug(msg string)          { q.log.Debug(msg) }
func (q quiet) Info(msg string)           { q.log.Debug(msg) }
func (q quiet) Warn(msg string)           { q.log.Debug(msg) }
func (q quiet) Error(msg string)          { q.log.Debug(msg) }
func (q quiet) Debugf(f string, a ...any) { q.say(f, a...) }
func (q quiet) Infof(f string, a ...any)  { q.say(f, a...) }
func (q quiet) Warnf(f string, a ...any)  { q.say(f, a...) }
func (q quiet) Errorf(f string, a ...any) { q.say(f, a...) }
