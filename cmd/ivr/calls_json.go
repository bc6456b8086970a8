package main

import (
	"time"

	"ivr/records"
)

// callJSON is a call for other programs: RFC 3339 times, durations in milliseconds, "" and 0 for what there is not.
type callJSON struct {
	ID        string         `json:"id"`
	Caller    string         `json:"caller"`
	Name      string         `json:"name"`
	Called    string         `json:"called"`
	Bot       string         `json:"bot"`
	Started   time.Time      `json:"started"`
	Answered  *time.Time     `json:"answered"`
	Ended     time.Time      `json:"ended"`
	Cause     string         `json:"cause"`
	Error     string         `json:"error"`
	Anger     float64        `json:"anger"`
	ReplyGap  float64        `json:"reply_gap_ms"` // median
	Turns     []turnJSON     `json:"turns"`
	Handovers []handoverJSON `json:"handovers"`
	Recording string         `json:"recording"`
	Message   string         `json:"message"`
	RTP       rtpJSON        `json:"rtp"`
}

type turnJSON struct {
	At         time.Time `json:"at"`
	Who        string    `json:"who"`
	Text       string    `json:"text"`
	Intent     string    `json:"intent"`
	Score      float64   `json:"score"`
	Outcome    string    `json:"outcome"`
	Step       string    `json:"step"`
	Anger      float64   `json:"anger"`
	Gap        float64   `json:"gap_ms"`
	Decided    float64   `json:"gap_decided_ms"`
	Recognised float64   `json:"gap_recognised_ms"`
	Meant      float64   `json:"gap_meant_ms"`
	Spoken     float64   `json:"gap_spoken_ms"`
}

type handoverJSON struct {
	At      time.Time `json:"at"`
	Queue   string    `json:"queue"`
	Reason  string    `json:"reason"`
	Detail  string    `json:"detail"`
	Seat    string    `json:"seat"`
	Outcome string    `json:"outcome"`
	Brief   string    `json:"brief"`
	Waited  float64   `json:"waited_ms"`
	ToSeat  float64   `json:"to_seat_ms"`
	Tried   []string  `json:"tried"`
}

type rtpJSON struct {
	Sent      int     `json:"sent"`
	SentLate  int     `json:"sent_late"`
	Received  int     `json:"received"`
	Lost      int     `json:"lost"`
	Late      int     `json:"late"`
	Duplicate int     `json:"duplicate"`
	Dropped   int     `json:"dropped"`
	Bad       int     `json:"bad"`
	Jitter    float64 `json:"jitter_ms"`
	RoundTrip float64 `json:"round_trip_ms"`
	MOS       float64 `json:"mos"`
	WorstMOS  float64 `json:"worst_mos"`
	FarMOS    float64 `json:"far_mos"`
	Crypto    string  `json:"crypto"`
}

func newCallJSON(c records.Call) callJSON {
	out := callJSON{
		ID: c.ID, Caller: c.Caller, Name: c.Name, Called: c.Called, Bot: c.Bot, Started: c.Started, Ended: c.Ended,
		Cause: c.Cause, Error: c.Error, Anger: c.Mood, ReplyGap: inMS(medianGap(c)), Recording: c.Recording, Message: c.Message,
		Turns: []turnJSON{}, Handovers: []handoverJSON{},
		RTP: rtpJSON{
			c.RTP.Sent, c.RTP.SentLate, c.RTP.Received, c.RTP.Lost, c.RTP.Late, c.RTP.Duplicate, c.RTP.Dropped, c.RTP.Bad,
			inMS(c.RTP.Jitter), inMS(c.RTP.RoundTrip), c.RTP.MOS, c.RTP.WorstMOS, c.RTP.FarMOS, c.RTP.Crypto,
		},
	}
	if !c.Answered.IsZero() {
		out.Answered = &c.Answered
	}
	for _, t := range c.Turns {
		out.Turns = append(out.Turns, turnJSON{
			t.At, t.Who, t.Text, t.Intent, t.Score, t.Outcome, t.Step, t.Anger,
			inMS(t.Gap.Total), inMS(t.Gap.Decided), inMS(t.Gap.Recognised), inMS(t.Gap.Meant), inMS(t.Gap.Spoken),
		})
	}
	for _, h := range c.Handovers {
		out.Handovers = append(out.Handovers, handoverJSON{
			h.At, h.Queue, h.Reason, h.Detail, h.Seat, h.Outcome, h.Brief, inMS(h.Waited), inMS(h.ToSeat),
			append([]string{}, h.Tried...),
		})
	}
	return out
}

func inMS(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
