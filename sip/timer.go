package sip

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Session timers (RFC 4028): a call whose far end has vanished, and told nobody, ends; and the proxies between know that it goes on.

// minSession is the shortest interval we agree to (RFC 4028, 4).
const minSession = 90 * time.Second

// defaultSession is what we ask for (RFC 4028, 4).
const defaultSession = 30 * time.Minute

// ErrExpired says that the session timer ran out: the far end neither refreshed the session nor answered a refresh of ours.
var ErrExpired = errors.New("sip: session expired")

// session is the timer of a dialog.
type session struct {
	interval time.Duration // 0: there is none
	ours     bool          // we refresh; else the far end does
	alarm    *time.Timer
}

// margin is how long before its end a session that was not refreshed is ended (RFC 4028, 10).
func (s session) margin() time.Duration { return min(32*time.Second, s.interval/3) }

// sessionExpires reads the header of a message; 0: there is none. who is "uac", "uas" or "".
func sessionExpires(m headed) (interval time.Duration, who string) {
	h := m.GetHeader("Session-Expires")
	if h == nil {
		return 0, ""
	}
	_, params, _ := strings.Cut(h.Value(), ";")
	for p := range strings.SplitSeq(params, ";") {
		if name, v, ok := strings.Cut(strings.TrimSpace(p), "="); ok && strings.EqualFold(name, "refresher") {
			who = strings.ToLower(v)
		}
	}
	return seconds(h), who
}

func minSE(m headed) time.Duration {
	return max(minSession, seconds(m.GetHeader("Min-SE")))
}

func writeTimer(req *sip.Request, value string, least time.Duration) {
	req.RemoveHeader("Session-Expires")
	req.RemoveHeader("Min-SE")
	req.AppendHeader(sip.NewHeader("Session-Expires", value))
	req.AppendHeader(sip.NewHeader("Min-SE", strconv.Itoa(int(least.Seconds()))))
}

// askTimer asks for a timer in an INVITE; who refreshes is for the far end to choose.
func (ua *UA) askTimer(invite *sip.Request) {
	if ua.cfg.SessionExpires > 0 {
		writeTimer(invite, strconv.Itoa(int(ua.cfg.SessionExpires.Seconds())), minSession)
	}
}

// lengthen asks for as much as a 422 wants; false: the request had that already.
func lengthen(req *sip.Request, res *sip.Response) bool {
	had, who := sessionExpires(req)
	least := minSE(res)
	if had >= least {
		return false
	}
	value := strconv.Itoa(int(least.Seconds()))
	if who != "" {
		value += ";refresher=" + who
	}
	writeTimer(req, value, least)
	return true
}

// tooShort refuses a session that would have to be refreshed too often. Who does not know timers is not to blame: a proxy asked.
func (ua *UA) tooShort(req *sip.Request, tx sip.ServerTransaction) bool {
	asked, _ := sessionExpires(req)
	if asked == 0 || asked >= minSession || !lists(req, "Supported", "timer") {
		return false
	}
	ua.respond(req, tx, 422, "Session Interval Too Small", sip.NewHeader("Min-SE", strconv.Itoa(int(minSession.Seconds()))))
	return true
}

// acceptTimer decides on the timer in the 2xx to a request, and starts it (RFC 4028, 9). Where the choice is ours we refresh.
func (l *Leg) acceptTimer(req *sip.Request, res *sip.Response) {
	asked, who := sessionExpires(req)
	knows := lists(req, "Supported", "timer") || lists(req, "Require", "timer")
	if asked == 0 && knows && l.ua.cfg.SessionExpires > 0 {
		asked = max(l.ua.cfg.SessionExpires, minSE(req))
	}
	s := session{interval: asked, ours: who != "uac" || !knows}
	if s.interval > 0 {
		who = "uas"
		if !s.ours {
			who = "uac"
			res.AppendHeader(sip.NewHeader("Require", "timer"))
		}
		res.AppendHeader(sip.NewHeader("Session-Expires", fmt.Sprintf("%d;refresher=%s", int(s.interval.Seconds()), who)))
	}
	l.watch(s)
}

// agreeTimer takes the timer that the 2xx to a request of ours says (RFC 4028, 7.2).
func (l *Leg) agreeTimer(res *sip.Response) {
	interval, who := sessionExpires(res)
	l.watch(session{interval: interval, ours: who != "uas"})
}

// watch starts the timer of a session, in place of the one before.
func (l *Leg) watch(s session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session.stop()
	l.session = s
	if s.interval <= 0 || l.state == over {
		return
	}
	due := s.interval - s.margin()
	do := l.expire
	if s.ours {
		due, do = s.interval/2, l.refresh
	}
	l.session.alarm = time.AfterFunc(due, func() { l.ua.farewell(do) })
}

func (s session) stop() {
	if s.alarm != nil {
		s.alarm.Stop()
	}
}

// expire ends a session that nobody refreshed.
func (l *Leg) expire(ctx context.Context) {
	if l.finish(ErrExpired) {
		l.bye(ctx, l.who(), `SIP;cause=408;text="Session expired"`)
	}
}

// refresh says that the session goes on, and ends it when the far end does not hear that in time.
func (l *Leg) refresh(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(l.life, stop)()
	l.mu.Lock()
	s := l.session
	l.mu.Unlock()
	last := time.Now().Add(s.interval/2 - s.margin())
	for {
		err := l.refreshOnce(ctx)
		if err == nil || l.ended() {
			return
		}
		l.ua.metrics.failed.WithLabelValues("refresh").Inc()
		pause := time.Until(last) / 2
		if isGone(err) || pause < time.Second {
			l.expire(context.WithoutCancel(ctx))
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// isGone says that the far end does not know the session any more, or is not there (RFC 4028, 10).
func isGone(err error) bool {
	var response *ResponseError
	if errors.As(err, &response) {
		return response.Code == 408 || response.Code == 481
	}
	return errors.Is(err, errNoAnswer)
}

// refreshOnce takes UPDATE where the far end does, for that leaves the audio alone; else an INVITE with what was said last.
func (l *Leg) refreshOnce(ctx context.Context) error {
	f := l.who()
	l.mu.Lock()
	updates := f.updates
	l.mu.Unlock()
	if updates {
		res, err := l.insist(ctx, f, sip.UPDATE, nil)
		if err != nil || res.StatusCode != 405 && res.StatusCode != 501 {
			return l.refreshed(f, res, err)
		}
		l.mu.Lock()
		f.updates = false
		l.mu.Unlock()
	}
	return l.reinvite(ctx, l.local.again)
}

// refreshed takes the outcome of a refresh.
func (l *Leg) refreshed(f *far, res *sip.Response, err error) error {
	switch {
	case err != nil:
		return err
	case !res.IsSuccess():
		return &ResponseError{string(res.CSeq().MethodName), res.StatusCode, res.Reason}
	}
	l.mu.Lock()
	if c := res.Contact(); c != nil {
		f.target = c.Address
	}
	l.mu.Unlock()
	l.agreeTimer(res)
	return nil
}

// keepTimer has a request of ours within the dialog go on with the timer there is.
func (l *Leg) keepTimer(req *sip.Request) {
	l.mu.Lock()
	s := l.session
	l.mu.Unlock()
	req.AppendHeader(sip.NewHeader("Supported", "timer"))
	if s.interval <= 0 {
		return
	}
	who := "uas"
	if s.ours {
		who = "uac"
	}
	writeTimer(req, fmt.Sprintf("%d;refresher=%s", int(s.interval.Seconds()), who), minSession)
}
