package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"ivr/media"
	"ivr/sip"
)

// testCall is what came of a call to an echo test.
type testCall struct {
	number string
	err    error // why it was not answered
	took   time.Duration
	rang   bool

	echo   time.Duration // of what we sang; 0: nothing came back
	ended  error         // it hung up meanwhile
	stats  media.Stats
	codec  string
	theirs netip.AddrPort // where its description says that it hears
	server netip.AddrPort // that signals
}

// diagnoseCall says in words what came of it.
func (p patient) diagnoseCall(c testCall) (all []finding) {
	if c.err != nil {
		return []finding{p.unanswered(c)}
	}
	what := fmt.Sprintf("%s answered after %v, in %s", c.number, c.took.Round(10*time.Millisecond), c.codec)
	if c.stats.Crypto != "" {
		what += ", protected by " + c.stats.Crypto
	}
	all = append(all, p.found("call", well, what, ""))
	return append(all, p.audio(c))
}

// unanswered explains why nobody took the call.
func (p patient) unanswered(c testCall) finding {
	var refused *sip.ResponseError
	if !errors.As(c.err, &refused) || errors.Is(c.err, sip.ErrNoResponse) {
		switch {
		case errors.Is(c.err, errNoAnswer), errors.Is(c.err, context.DeadlineExceeded):
			return p.found("call", wrong, c.number+" rings and nobody answers", "name a number that answers by itself: an echo test")
		case errors.Is(c.err, sip.ErrMedia):
			return p.found("call", wrong, "no audio in common: "+rootOf(c.err).Error(),
				"have the far end allow PCMA or PCMU; see trunks.NAME.srtp if one of us wants the audio protected")
		case errors.Is(c.err, sip.ErrNoTrunk):
			return p.found("call", wrong, c.err.Error(), "see trunks.NAME.max_calls")
		}
		return p.found("call", wrong, "the call got no answer: "+rootOf(c.err).Error(), "have the carrier allow calls from our address")
	}
	what := fmt.Sprintf("%s was refused: %d %s", c.number, refused.Code, refused.Reason)
	switch refused.Code {
	case 401, 407:
		return p.found("call", wrong, what, "it wants credentials: trunks.NAME.user and trunks.NAME.password")
	case 403:
		return p.found("call", wrong, what, "it does not allow this call: trunks.NAME.number must be one of ours there; credentials and our address may count too")
	case 404, 484, 604:
		return p.found("call", wrong, what, "it knows no such number: trunks.NAME.out makes the form that it wants, as {match: \"+49\", strip: 3, prefix: \"0\"}")
	case 488, 606:
		return p.found("call", wrong, what, "it does not take our audio: see trunks.NAME.srtp, and have it allow PCMA or PCMU")
	case 486, 600:
		return p.found("call", advice, what, "the line is in use: try again")
	case 503, 500, 502, 504:
		return p.found("call", wrong, what, "it is for the far end to say why: often the number of calls at once is used up")
	}
	return p.found("call", wrong, what, "the carrier can tell from its log of the call")
}

// audio judges whether it passes both ways.
func (p patient) audio(c testCall) finding {
	line := fmt.Sprintf("%d packets sent, %d received, %d lost, jitter %v", c.stats.Sent, c.stats.Received, c.stats.Lost, c.stats.Jitter.Round(100*time.Microsecond))
	astray := private(c.theirs.Addr()) && !private(c.server.Addr())
	switch {
	case c.echo > 0 && c.stats.Lost*50 > c.stats.Received:
		return p.found("audio", advice, fmt.Sprintf("both ways, our voice is back after %v, with losses: %s", c.echo.Round(10*time.Millisecond), line), "the network between us loses packets: look at its load")
	case c.echo > 0:
		return p.found("audio", well, fmt.Sprintf("both ways, our voice is back after %v: %s", c.echo.Round(10*time.Millisecond), line), "")
	case c.stats.Received == 0 && c.stats.Invalid > 0:
		return p.found("audio", wrong, fmt.Sprintf("what comes cannot be used: %d packets, %s", c.stats.Invalid, line), "one of us protects the audio and the other does not: see trunks.NAME.srtp")
	case c.stats.Received == 0 && p.cfg.SIP.External == "":
		return p.found("audio", wrong, "we hear nothing: "+line,
			"if there is a NAT between us, write our public address in sip.external; rtp.ports ("+p.cfg.RTP.Ports+", UDP) must reach this machine")
	case c.stats.Received == 0:
		return p.found("audio", wrong, "we hear nothing: "+line, "a firewall stops rtp.ports ("+p.cfg.RTP.Ports+", UDP), or sip.external is not the address by which this machine is reached")
	case c.ended != nil:
		return p.found("audio", advice, "it hung up before our voice came back: "+line, "name a number that is an echo test")
	case astray:
		return p.found("audio", wrong, fmt.Sprintf("we hear it and our voice does not come back: it wants its audio at %s, a private address: %s", c.theirs, line),
			"the far end has to say its public address; it does hear us if it follows where our audio comes from (symmetric RTP)")
	}
	return p.found("audio", advice, "we hear it and our voice does not come back: "+line, "is "+c.number+" an echo test? If it is, a firewall at its side stops our audio")
}
