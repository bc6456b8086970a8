package transfer

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var card = Handover{
	CallID: "a", Caller: "+447700900123", Name: "Maria Lopez", Queue: "complaints", Reason: "anger",
	Detail: `said "this is a disgrace"`, Intent: "where is my parcel", Values: map[string]string{"parcel number": "4512"},
	Tried: []string{"looked up parcel four five one two"}, Mood: "angry",
	Transcript: []Line{{Who: "caller", Text: "this is a disgrace"}, {Who: "bot", Text: "I am sorry."}},
}

func TestTheBriefSaysWhatDecides(t *testing.T) {
	with := func(f func(h *Handover)) Handover {
		h := card
		h.Values = maps.Clone(h.Values)
		f(&h)
		return h
	}
	for name, c := range map[string]struct {
		h    Handover
		want string
	}{
		"all fits, no value is said twice": {card,
			"Angry caller Maria Lopez. Where is my parcel. Parcel four five one two. Looked up parcel."},
		"calm callers are not mentioned": {with(func(h *Handover) { h.Mood = "calm" }),
			"Maria Lopez. Where is my parcel. Parcel four five one two. Looked up parcel."},
		"second values are left out first, then what was tried": {with(func(h *Handover) {
			h.Values["postcode"], h.Tried = "E1 6AN", []string{"offered a new delivery on Friday"}
		}), "Angry caller Maria Lopez. Where is my parcel. Parcel four five one two."},
		"the mood outlives the name and the values": {with(func(h *Handover) {
			h.Intent = "my parcel was damaged, and I want all my money back at once"
		}), "Angry caller. My parcel was damaged, and I want all my money back at once."},
		"no name: the end of the number": {with(func(h *Handover) { h.Name, h.Tried, h.Mood = "", nil, "" }),
			"Caller ending zero one two three. Where is my parcel. Parcel four five one two."},
		"withheld": {Handover{Reason: "key"}, "Number withheld. Asks for a person."},
		"nothing understood": {Handover{Name: "Bo", Reason: "unmatched"},
			"Bo. We did not understand the request."},
		"a flow says why": {Handover{Name: "Bo", Reason: "flow", Detail: "damage over 100 pounds"},
			"Bo. Damage over one zero zero pounds."},
		"a sensitive subject is what matters": {Handover{Name: "Bo", Reason: "sensitive", Intent: "where a parcel is",
			Detail: `a bereavement: said "my husband died"`}, "Bo. A bereavement."},
		"that our system failed": {Handover{Name: "Bo", Reason: "backend", Intent: "where a parcel is", Tried: []string{"looked up"}},
			"Bo. Where a parcel is. Our system failed."},
		"nothing but that our system failed": {Handover{Name: "Bo", Reason: "backend"}, "Bo. Our system failed."},
		"numbers come before all other values": {Handover{Name: "Bo", Intent: "a new delivery",
			Values: map[string]string{"parcel": "4512", "day": "2026-03-21"}},
			"Bo. A new delivery. Parcel four five one two. Day the twenty first of March."},
		"a day is a day": {Handover{Name: "Bo", Intent: "a new delivery", Values: map[string]string{"day": "2026-03-21"}},
			"Bo. A new delivery. Day the twenty first of March."},
		"names that are numbers are not names": {Handover{Name: "1234", Caller: "1234", Intent: "fees"},
			"Caller one two three four. Fees."},
		"no character a voice stumbles over": {Handover{Name: "=?x?= \"Bo\" <b>", Intent: "12 kg to the EU (fees)"},
			"Fees"},
	} {
		got := Brief(c.h)
		facts, ok := strings.CutSuffix(got, " "+briefKeys)
		if name == "no character a voice stumbles over" {
			if strings.ContainsAny(got, `0123456789"<>()=`) || !strings.Contains(got, "Twelve kg to the EU fees.") {
				t.Errorf("%s: %q", name, got)
			}
			continue
		}
		if !ok || facts != c.want {
			t.Errorf("%s:\n%q\nwant\n%q", name, facts, c.want)
		}
	}
}

func FuzzABriefIsNeverTooLongAndNeverHasDigits(f *testing.F) {
	f.Add("Maria Lopez", "where is my parcel", "parcel", "4512", "looked up parcel 4512", "angry")
	f.Add(strings.Repeat("Maria ", 40), strings.Repeat("x", 300), "", "+44 7700 900123", "", "")
	f.Add("\xff\x00", "é", "day", "2026-12-31", strings.Repeat("ü", 200), "furious")
	f.Fuzz(func(t *testing.T, name, intent, label, value, tried, mood string) {
		b := Brief(Handover{
			Name: name, Intent: intent, Values: map[string]string{label: value, "b": value}, Tried: []string{tried}, Mood: mood,
		})
		facts, ok := strings.CutSuffix(b, briefKeys)
		if !ok || len(facts) > briefBudget+10 || strings.ContainsAny(b, "0123456789") || !utf8.ValidString(b) {
			t.Errorf("%d characters: %q", len(facts), b)
		}
	})
}

func TestTheCardHasOneFactALine(t *testing.T) {
	want := []string{
		"caller: Maria Lopez, +447700900123", "wants: where is my parcel", "parcel number: 4512", "tried: looked up parcel four five one two",
		"mood: angry", `handed over because: anger, said "this is a disgrace"`, "last said: this is a disgrace",
	}
	if got := Summary(card); !slices.Equal(got, want) {
		t.Errorf("%q\nwant\n%q", got, want)
	}
}

func TestTheWaitIsToldInWords(t *testing.T) {
	for want, p := range map[string]Place{
		"You are next in line. Please stay on the line.":                                          {},
		"There are three callers before you. It takes about one minute. Please stay on the line.": {3, 50 * time.Second},
		"There are more than ten callers before you. It may take more than ten minutes. Please stay on the line.": {
			11, time.Hour},
	} {
		if got := p.Sentence(); got != want {
			t.Errorf("%v: %q, want %q", p, got, want)
		}
	}
}
