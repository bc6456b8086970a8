package sip

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"ivr/media"
)

const (
	dtmfRelay = "application/dtmf-relay"
	dtmfPlain = "application/dtmf"
)

// pressed is how long a key sent by INFO is held.
const pressed = 100 * time.Millisecond

// onInfo takes the keys that some phones and gateways send beside the audio (draft-kaplan-dispatch-info-dtmf-package, 2.1).
func (ua *UA) onInfo(req *sip.Request, tx sip.ServerTransaction) {
	l, _, next := ua.inDialog(req, tx)
	if l == nil {
		return
	}
	defer next()
	kind := ""
	if h := req.GetHeader("Content-Type"); h != nil {
		kind = strings.ToLower(h.Value())
	}
	if len(req.Body()) > 0 && !strings.HasPrefix(kind, dtmfPlain) {
		ua.respond(req, tx, 415, "Unsupported Media Type", sip.NewHeader("Accept", dtmfRelay+", "+dtmfPlain))
		return
	}
	ua.respond(req, tx, 200, "OK")
	if key, ok := infoDigit(string(req.Body())); ok {
		l.stream.Press(key)
	}
}

// infoDigit reads "Signal=5" of application/dtmf-relay, or the bare key of application/dtmf, where some write 10 for * and 11 for #.
func infoDigit(body string) (rune, bool) {
	for line := range strings.Lines(body) {
		name, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if !found {
			value = name
		} else if !strings.EqualFold(strings.TrimSpace(name), "signal") {
			continue
		}
		value = strings.ToUpper(strings.TrimSpace(value))
		switch value {
		case "10":
			return '*', true
		case "11":
			return '#', true
		}
		if len(value) == 1 && strings.ContainsAny(value, "0123456789*#ABCD") {
			return rune(value[0]), true
		}
	}
	return 0, false
}

// SendDigits presses keys (0-9 * # A-D) and returns when the last has ended: as RFC 4733 events where the far end agreed to them, else
// by INFO.
func (l *Leg) SendDigits(ctx context.Context, keys string) error {
	err := l.stream.SendDigits(ctx, keys)
	if !errors.Is(err, media.ErrNoDigits) {
		return err
	}
	for _, key := range strings.ToUpper(keys) {
		f := l.who()
		req := l.request(f, sip.INFO)
		req.AppendHeader(sip.NewHeader("Content-Type", dtmfRelay))
		req.SetBody(fmt.Appendf(nil, "Signal=%c\r\nDuration=%d\r\n", key, pressed.Milliseconds()))
		res, err := l.ask(ctx, f, req)
		if err != nil {
			return fmt.Errorf("sip: INFO: %w", err)
		}
		if res.StatusCode >= 300 {
			return &ResponseError{"INFO", res.StatusCode, res.Reason}
		}
		select { // as long as a finger takes
		case <-time.After(2 * pressed):
		case <-l.life.Done():
			return l.Err()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
