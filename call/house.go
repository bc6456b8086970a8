package call

import (
	"context"
	"log/slog"
	"time"

	"ivr/dialog"
	"ivr/media"
	"ivr/speech"
	"ivr/transfer"
)

// Leg is one party: two-way audio and the signalling that ends it.
type Leg interface {
	ID() string
	From() string        // number of the calling party, "" withheld
	DisplayName() string // as the network sent it
	Media() *media.Stream
	Answer(ctx context.Context) error
	Hangup(ctx context.Context, reason string) error // in any state, safe to call twice
	Done() <-chan struct{}
	Err() error // after Done: why
}

// Ears listen to one leg. Every [speech.Onset] is followed by one [speech.Utterance].
type Ears interface {
	media.Listener
	Run(ctx context.Context) error
	Events() <-chan speech.Event
	Expect(x speech.Expect, outlook func(text string) speech.Completeness)
}

// Voice turns text into prompts, from a cache where it can.
type Voice interface {
	Speak(ctx context.Context, text string) (*media.Prompt, error)
	Clauses(text string) []string // pieces of text that can be spoken one after the other
}

// Backend performs the bot's HTTP actions. It never fails silently: the result has a status or an Err.
type Backend interface {
	Fetch(ctx context.Context, req dialog.Fetch) dialog.Fetched
}

// Dial calls a seat. When it fails, refused says how the seat is to be treated.
type Dial func(ctx context.Context, seat transfer.Seat, h transfer.Handover) (leg Leg, refused transfer.Refusal)

// House is what all calls of one bot share. All fields are needed but those marked optional.
type House struct {
	Bot     *dialog.Bot
	Desk    *transfer.Desk
	Ears    func() (Ears, error)
	Voice   Voice
	Backend Backend
	Dial    Dial
	Hold    *media.Prompt // hold music, looped
	Tone    *media.Prompt // before a message is recorded
	Rescue  string        // queue for callers whom a failure of ours would leave alone
	Limits  Limits
	Log     *slog.Logger
	Metrics *Metrics // optional

	Transfer func(queue string) transfer.Limits

	// Recording and Message name the files of a call; "" keeps none.
	Recording, Message func(callID string) string
}

func (h *House) recording(id string) string { return pathOf(h.Recording, id) }
func (h *House) message(id string) string   { return pathOf(h.Message, id) }

func pathOf(name func(string) string, id string) string {
	if name == nil {
		return ""
	}
	return name(id)
}

// Limits end what would go on for ever. Zero means the default in brackets.
type Limits struct {
	Bot      time.Duration // caller with the bot, wall clock, whatever noise there is [10m]
	Call     time.Duration // the whole call [4h]
	NoPacket time.Duration // no RTP from the caller [30s]
	Decide   time.Duration // how long a possible interruption is judged while the prompt is ducked [450ms]
	Filler   time.Duration // a back end slower than this is bridged with a sentence [1.2s]
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{
		{&l.Bot, 10 * time.Minute}, {&l.Call, 4 * time.Hour}, {&l.NoPacket, 30 * time.Second},
		{&l.Decide, 450 * time.Millisecond}, {&l.Filler, 1200 * time.Millisecond},
	} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	return l
}
