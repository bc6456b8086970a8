package rehearsal

import (
	"errors"
	"fmt"

	"ivr/dialog"
	"ivr/testaudio"
	"ivr/transfer"
)

// handsOver wants the hand-over that a script names.
func (p *play) handsOver(want testaudio.HandsOver) error {
	h, ok := p.wait.(dialog.HandOver)
	switch {
	case !ok:
		return fmt.Errorf("it does not: %s", p.waiting())
	case h.Queue != want.Queue:
		return fmt.Errorf("it hands over to %s", h.Queue)
	case want.Because != "" && string(h.Reason) != want.Because:
		return fmt.Errorf("it does so because %s: %s", h.Reason, h.Detail)
	}
	return nil
}

// waiting says what the bot waits for.
func (p *play) waiting() string {
	switch p.wait.(type) {
	case dialog.Listen:
		return "it listens to the caller"
	case dialog.End:
		return "it has hung up"
	case dialog.TakeMessage:
		return "it takes a message"
	}
	return "it " + describe(p.wait)
}

// rings is a seat that is asked to take the caller: it hears the brief.
func (p *play) rings(who string) error {
	h, ok := p.wait.(dialog.HandOver)
	switch {
	case !ok:
		return fmt.Errorf("nobody calls it: %s", p.waiting())
	case p.seat == who:
		return nil
	case p.joined:
		return fmt.Errorf("the caller talks to %s already", p.seat)
	}
	p.seat = who
	p.heard[who] = transfer.Brief(transfer.Handover{
		Caller: "+441130000000", Queue: h.Queue, Reason: string(h.Reason), Detail: h.Detail, Intent: h.Intent,
		Values: h.Values, Tried: h.Tried, Mood: h.Mood,
	})
	p.tell(who, "hears: "+p.heard[who])
	return nil
}

// nobody ends a hand-over that no seat of the script takes.
func (p *play) nobody() {
	if _, waits := p.wait.(dialog.HandOver); waits && !p.joined && p.seat == "" && p.ended == "" {
		p.tell("", "no seat is free")
		p.did(dialog.HandoverEnded{Outcome: "no seat"})
	}
}

// hears wants fragments in what a party heard since it last did something.
func (p *play) hears(who string, fragments []string) error {
	missing := p.missing(who, fragments)
	if missing != "" && who == "caller" {
		p.nobody() // and what the bot says then
		missing = p.missing(who, fragments)
	}
	if missing == "" {
		return nil
	}
	heard := p.heard[who]
	if heard == "" {
		heard = "nothing"
	}
	return fmt.Errorf("%q was not said; heard: %s", missing, heard)
}

func (p *play) missing(who string, fragments []string) string {
	for _, f := range fragments {
		if !testaudio.Says(p.heard[who], f) {
			return f
		}
	}
	return ""
}

// hangsUp ends the call; of the bot, it is what it must have done.
func (p *play) hangsUp(who string) error {
	if who == "bot" {
		return p.end(testaudio.End{By: "bot"})
	}
	if p.ended != "" {
		return errors.New("the call is over")
	}
	p.ended = "caller"
	if who != "caller" {
		p.ended = "seat"
		if !p.joined {
			return errors.New("it has no call")
		}
	}
	p.tell(who, "hangs up")
	return nil
}

// end wants the call over. How long it took is for calls in real time.
func (p *play) end(want testaudio.End) error {
	by := p.ended
	if _, over := p.wait.(dialog.End); by == "" && over {
		by = "bot"
	}
	switch {
	case by == "":
		return fmt.Errorf("the call goes on: %s", p.waiting())
	case want.By != "" && want.By != by:
		return fmt.Errorf("the %s hung up", by)
	}
	return nil
}
