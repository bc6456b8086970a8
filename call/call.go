package call

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"ivr/dialog"
	"ivr/media"
	"ivr/speech"
)

// Call is one caller's visit, from the first INVITE to the last BYE.
type Call struct {
	house   *House
	limits  Limits
	leg     Leg
	log     *slog.Logger
	session *dialog.Session

	ctx context.Context // of the call: done when it ends, its cause an *ending
	end context.CancelCauseFunc
	do  chan func()    // events, each run by the loop
	wg  sync.WaitGroup // every goroutine of the call

	// What follows belongs to the loop.
	pending []dialog.Action // returned by Step and not performed yet
	wait    dialog.Action   // what the session waits for; nil while pending is being performed
	saying  *saying         // what is being said to the caller; nil: nothing
	voiced  bool            // the caller is speaking
	reply   *timing         // of the utterance that is being answered
	silence *time.Timer     // no-input, or the end of a message
	judge   *time.Timer     // a possible interruption
	alarm   *time.Timer     // of the hand-over
	ears    Ears
	deaf    func() // stops listening
	message *message
	warm    *handover // while the caller is given to a person, and after
	parked  func()    // waits for the end of what is being said
	rescued bool      // a person was sought because a part of ours failed
	held    time.Time // when the caller was last seen to hold us
	report  Report
}

// ending is the cause of a call's context.
type ending struct {
	cause Cause
	err   error
}

func (e *ending) Error() string { return string(e.cause) }

// New prepares a call; nothing happens before Run.
func New(house *House, leg Leg) *Call {
	return &Call{
		house: house, limits: house.Limits.withDefaults(), leg: leg,
		log: house.Log.With("call", leg.ID()),
		do:  make(chan func()),
		report: Report{
			ID: leg.ID(), Caller: leg.From(), Name: leg.DisplayName(), Started: time.Now(),
		},
	}
}

// Run answers the call, conducts it to its end and returns what is to be remembered of it. It never fails: what went wrong is
// in the report.
func (c *Call) Run(ctx context.Context) Report {
	c.house.Metrics.began()
	ctx, cancel := context.WithCancelCause(ctx)
	c.ctx, c.end = ctx, cancel
	c.conduct()
	c.finish()
	return c.report
}

// conduct runs the call until its context is done and everything it started has returned.
func (c *Call) conduct() {
	defer c.wg.Wait()
	defer c.end(nil) // so that Wait ends whatever happens
	defer c.contain()

	if err := c.leg.Answer(c.ctx); err != nil {
		c.hangUp(c.legCause(err), err)
		return
	}
	c.report.Answered = time.Now()
	c.record()
	c.silence, c.judge, c.alarm = stoppedTimer(), stoppedTimer(), stoppedTimer()
	defer func() { c.silence.Stop(); c.judge.Stop(); c.alarm.Stop() }()
	if err := c.listen(); err != nil {
		// Without ears there are still keys and people: the ladder of silence leads to them.
		c.log.Error("cannot listen", "err", err)
	}
	defer c.deafen()
	defer c.dropSeat()

	c.session = c.house.Bot.Start()
	c.step(dialog.Begin{Caller: c.leg.From(), Name: c.leg.DisplayName(), Now: time.Now()})
	c.loop()
}

// loop is the heart of a call: one event at a time, until the call has ended.
func (c *Call) loop() {
	guard := time.NewTicker(time.Second)
	defer guard.Stop()
	digits := c.leg.Media().Digits()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-c.leg.Done():
			c.callerGone(c.leg.Err())
			return
		case f := <-c.do:
			f()
		case d, ok := <-digits:
			if !ok {
				digits = nil
				continue
			}
			c.keyed(d)
		case ev := <-c.heard():
			c.hear(ev)
		case <-c.silence.C:
			c.silent()
		case <-c.judge.C:
			c.judged()
		case <-c.ready():
			c.warm.ready()
		case now := <-c.alarm.C:
			if c.warm != nil {
				c.warm.expire(now)
			}
		case now := <-guard.C:
			c.check(now)
		}
	}
}

// check ends calls that noise or a lost network would keep open for ever.
func (c *Call) check(now time.Time) {
	last := c.leg.Media().LastPacket()
	if last.IsZero() {
		last = c.report.Answered
	}
	if !c.leg.Media().Params().Receive { // held: nothing is to come until the caller resumes
		c.held = now
	}
	if last.Before(c.held) {
		last = c.held
	}
	switch {
	case now.Sub(last) > c.limits.NoPacket:
		c.hangUp(CauseNoAudio, nil)
	case now.Sub(c.report.Answered) > c.limits.Call:
		c.hangUp(CauseTooLong, nil)
	case c.warm == nil && now.Sub(c.report.Answered) > c.limits.Bot:
		c.hangUp(CauseTooLong, nil)
	}
}

// post has f run by the loop. It gives up, and reports false, when the call has ended.
func (c *Call) post(f func()) bool {
	select {
	case c.do <- f:
		return true
	case <-c.ctx.Done():
		return false
	}
}

// start runs f on a goroutine that Run waits for.
func (c *Call) start(f func()) {
	c.wg.Go(func() {
		defer c.contain()
		f()
	})
}

// contain turns a panic into the end of this call alone.
func (c *Call) contain() {
	if p := recover(); p != nil {
		c.log.Error("panic", "value", p, "stack", string(debug.Stack()))
		c.house.Metrics.panicked()
		c.hangUp(CauseFailed, fmt.Errorf("call: panic: %v", p))
	}
}

// hangUp ends the call; the first reason stands.
func (c *Call) hangUp(cause Cause, err error) { c.end(&ending{cause, err}) }

func (c *Call) callerGone(err error) {
	cause := c.legCause(err)
	if cause == CauseCaller && c.warm != nil && !c.warm.joined {
		cause = CauseAbandoned
	}
	c.hangUp(cause, err)
}

// legCause tells a caller who hung up from a leg that failed.
func (c *Call) legCause(err error) Cause {
	if errors.Is(context.Cause(c.ctx), context.Canceled) {
		return CauseShutdown
	}
	var lost interface{ Failed() bool }
	if errors.As(err, &lost) && lost.Failed() {
		return CauseFailed
	}
	return CauseCaller
}

// finish ends the caller's leg and completes the report.
func (c *Call) finish() {
	r := &c.report
	r.Ended = time.Now()
	r.Cause = CauseShutdown // the context of the whole house ended
	if e := (*ending)(nil); errors.As(context.Cause(c.ctx), &e) {
		r.Cause, r.Err = e.cause, e.err
	}
	r.Media = c.leg.Media().Stats()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), 5*time.Second)
	defer cancel()
	if err := c.leg.Hangup(ctx, reason(r.Cause)); err != nil {
		c.log.Warn("cannot hang up", "err", err)
	}
	c.house.Metrics.ended(r)
	line := []any{"cause", r.Cause, "caller", r.Caller, "seconds", r.Ended.Sub(r.Started).Seconds(), "turns", len(r.Lines),
		"handovers", len(r.Handovers), "lost", r.Media.Lost, "late", r.Media.Late, "srtp", r.Media.Crypto}
	if r.Cause == CauseFailed {
		line = append(line, "err", r.Err)
	}
	c.log.Info("call ended", line...)
}

func stoppedTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// heard is the channel of the ears, nil when there are none.
func (c *Call) heard() <-chan speech.Event {
	if c.deaf == nil {
		return nil
	}
	return c.ears.Events()
}

// record starts the recording of the call, if there is one.
func (c *Call) record() {
	if path := c.house.recording(c.leg.ID()); path != "" {
		c.report.Recording = path
		c.startRecorder(path)
	}
}

// startRecorder records the caller's stream into path until stop is called or the call ends.
func (c *Call) startRecorder(path string) (stop func()) {
	rec := media.NewRecorder(path)
	ctx, cancel := context.WithCancel(c.ctx)
	detach := c.leg.Media().Record(rec)
	c.start(func() {
		defer detach()
		if err := rec.Run(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("recording failed, the call goes on", "path", path, "err", err)
			c.house.Metrics.recordingFailed()
		}
	})
	return cancel
}
