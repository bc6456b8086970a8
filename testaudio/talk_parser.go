package testaudio

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ivr/internal/strict"
)

// talkParser reads one script, line by line.
type talkParser struct {
	talk     *Talk
	mistakes []strict.Mistake
	at       int    // line
	seat     string // spoken of last
}

func (p *talkParser) mistake(what, instead string) {
	p.mistakes = append(p.mistakes, strict.Mistake{File: p.talk.Name, Line: p.at, What: what, Instead: instead})
}

func (p *talkParser) line(text string) {
	switch who, does, _ := strings.Cut(text, " "); strings.ToLower(who) {
	case "backend":
		p.backend(strings.TrimSpace(does))
		return
	case "at":
		p.time(strings.TrimSpace(does))
		return
	}
	if strings.Count(text, `"`)%2 != 0 {
		p.mistake("a quote is not closed", `write texts like "where is my parcel"`)
		return
	}
	who, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(who) {
	case "caller", "bot":
		p.phrases(strings.ToLower(who), rest)
	case "seat":
		id, does, _ := strings.Cut(rest, " ")
		if _, isVerb := verbOf(rest); isVerb {
			id, does = "", rest
		}
		p.phrases(p.seatNamed(id), strings.TrimSpace(does))
	case "bridge":
		p.bridge(rest)
	case "end":
		p.end(rest)
	default:
		p.mistake(fmt.Sprintf("%q is nobody", who), "a line begins with caller, bot, seat ID, bridge, backend, at or end")
	}
}

// seatNamed is the party of a seat; without an id, that of the seat spoken of last.
func (p *talkParser) seatNamed(id string) string {
	if id != "" {
		p.seat = "seat " + id
	}
	if p.seat == "" {
		p.mistake("no seat was named before", "say which: seat 7 ...")
		p.seat = "seat 0"
	}
	return p.seat
}

// A verb begins a phrase. Those of one party only are given with it.
type verb struct {
	words string
	who   string // who can do it, by the first word; "" caller and seats
	build func(p *talkParser, rest string) Act
	bare  bool // nothing stands behind it
}

func verbs() []verb {
	plain := func(words, who string, a Act) verb {
		return verb{words, who, func(*talkParser, string) Act { return a }, true}
	}
	return []verb{
		{words: "says", build: func(p *talkParser, rest string) Act { return Speaks{p.quoted(rest)} }},
		{words: "plays", build: func(p *talkParser, rest string) Act { return Plays{p.wanted(rest, "plays", "question.wav")} }},
		{words: "keys", build: (*talkParser).keys},
		{words: "presses", build: (*talkParser).keys},
		{words: "waits", build: func(p *talkParser, rest string) Act { return Waits{p.duration(rest)} }},
		{words: "hears", build: func(p *talkParser, rest string) Act { return Hears{p.fragments(rest)} }},
		{words: "dials", who: "caller", build: func(p *talkParser, rest string) Act { return Dials{p.wanted(rest, "dials", "4000")} }},
		{words: "rings", who: "seat", build: func(p *talkParser, rest string) Act { return Rings{p.duration(rest)} }},
		{words: "says", who: "bot", build: func(p *talkParser, rest string) Act { return Hears{p.fragments(rest)} }},
		{words: "hands over", who: "bot", build: (*talkParser).handsOver},
		plain("hangs up", "*", HangsUp{}),
		plain("listens", "*", Listens{}),
		plain("is silent", "caller", Silent{}),
		plain("answers", "seat", Answers{}),
		plain("is busy", "seat", Refuses{Busy}),
		plain("declines", "seat", Refuses{Declined}),
		plain("does not answer", "seat", Refuses{NoAnswer}),
	}
}

// verbOf finds the verb that a phrase begins with.
func verbOf(phrase string) (verb, bool) { return verbFor("", phrase) }

// verbFor finds it among those that who can do; "" anybody.
func verbFor(who, phrase string) (verb, bool) {
	for _, v := range verbs() {
		if phrase != v.words && !strings.HasPrefix(phrase, v.words+" ") {
			continue
		}
		party, _, _ := strings.Cut(who, " ")
		if who == "" || v.who == "*" || v.who == party || v.who == "" && party != "bot" {
			return v, true
		}
	}
	return verb{}, false
}

// phrases splits at the commas that stand before a verb: other commas separate fragments.
func (p *talkParser) phrases(who, text string) {
	var parts []string
	for _, part := range splitOutsideQuotes(text) {
		if _, ok := verbFor(who, part); ok || len(parts) == 0 {
			parts = append(parts, part)
		} else {
			parts[len(parts)-1] += ", " + part
		}
	}
	for _, part := range parts {
		v, ok := verbFor(who, part)
		if !ok {
			p.unknown(who, part)
			continue
		}
		rest := strings.TrimSpace(strings.TrimPrefix(part, v.words))
		act := v.build(p, rest)
		if v.bare && rest != "" {
			p.mistake(fmt.Sprintf("nothing stands behind %q, not %q", v.words, rest), "separate what is done by commas")
		}
		p.add(observer(who, act), act)
	}
}

// observer is the party that acts: what the bot says is what the caller hears.
func observer(who string, act Act) string {
	switch act.(type) {
	case Hears, Listens:
		if who == "bot" {
			return "caller"
		}
	}
	return who
}

func (p *talkParser) unknown(who, phrase string) {
	party, _, _ := strings.Cut(who, " ")
	if phrase == "" {
		p.mistake(who+" does nothing", "a caller says, keys, waits, hears, hangs up; for all verbs see the documentation of talk scripts")
		return
	}
	var can []string
	for _, v := range verbs() {
		if v.who == "*" || v.who == party || v.who == "" && party != "bot" {
			can = append(can, v.words)
		}
	}
	slices.Sort(can)
	p.mistake(fmt.Sprintf("%s cannot %q", who, phrase), "a "+party+" "+strings.Join(slices.Compact(can), ", "))
}

func (p *talkParser) add(who string, act Act) {
	p.talk.Steps = append(p.talk.Steps, Step{Line: p.at, Who: who, Act: act})
}

func (p *talkParser) quoted(s string) string {
	if len(s) < 3 || s[0] != '"' || strings.IndexByte(s[1:], '"') != len(s)-2 || strings.TrimSpace(s[1:len(s)-1]) == "" {
		p.mistake("says wants one text in quotes", `write it like: says "where is my parcel"`)
	}
	return strings.Trim(s, `"`)
}

// wanted is one word, or one text in quotes.
func (p *talkParser) wanted(s, verb, example string) string {
	inside, quoted := strings.CutPrefix(s, `"`)
	if quoted {
		inside = strings.TrimSpace(strings.TrimSuffix(inside, `"`))
	}
	if inside == "" || strings.Contains(inside, `"`) || !quoted && strings.ContainsAny(inside, ", \t") {
		p.mistake(fmt.Sprintf("%s %s is not understood", verb, s), "write it like: "+verb+" "+example)
	}
	return inside
}

func (p *talkParser) keys(s string) Act {
	s = strings.ToUpper(strings.ReplaceAll(s, " ", ""))
	if s == "" || strings.Trim(s, dtmfKeys) != "" {
		p.mistake(fmt.Sprintf("%q are not telephone keys", s), "keys are 0-9 * # A-D")
	}
	return Keys{s}
}

func (p *talkParser) duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		p.mistake(fmt.Sprintf("%q is not a duration", s), "write it like 4s or 500ms")
	}
	return d
}

// fragments are separated by commas, in quotes or not.
func (p *talkParser) fragments(s string) (out []string) {
	for f := range strings.SplitSeq(strings.ReplaceAll(s, `"`, ","), ",") {
		if f = strings.TrimSpace(f); len(wordsOf(f)) > 0 {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		p.mistake("no words to be heard", "write it like: bot says out for delivery, two to four")
	}
	return out
}

func (p *talkParser) handsOver(s string) Act {
	queue, because, _ := strings.Cut(s, ",")
	because = strings.TrimSpace(because)
	reason := strings.TrimSpace(strings.TrimPrefix(because, "because "))
	if queue = strings.TrimSpace(queue); queue == "" || strings.Contains(s, `"`) || because != "" && reason == because {
		p.mistake(fmt.Sprintf("hands over %q is not understood", s), "write it like: bot hands over complaints, because anger")
	}
	return HandsOver{queue, reason}
}

func (p *talkParser) bridge(s string) {
	id := ""
	if s != "" {
		left, right, ok := strings.Cut(s, "+")
		name, isSeat := strings.CutPrefix(strings.TrimSpace(right), "seat")
		if !ok || strings.TrimSpace(left) != "caller" || !isSeat {
			p.mistake(fmt.Sprintf("bridge %q is not understood", s), "write it like: bridge caller + seat 9")
			return
		}
		id = strings.TrimSpace(name)
	}
	p.add("", Bridge{strings.TrimPrefix(p.seatNamed(id), "seat ")})
}

func (p *talkParser) end(s string) {
	var e End
	for _, part := range splitOutsideQuotes(s) {
		switch by, isBy := strings.CutSuffix(part, " hung up"); {
		case part == "":
		case strings.HasPrefix(part, "after "):
			e.After = p.duration(strings.TrimSpace(strings.TrimPrefix(part, "after ")))
		case isBy && slices.Contains([]string{"caller", "seat", "bot"}, by):
			e.By = by
		default:
			p.mistake(fmt.Sprintf("end %q is not understood", part), "write it like: end seat hung up, after 31s")
		}
	}
	p.add("", e)
}

// backend reads what the back end does.
func (p *talkParser) backend(s string) {
	verb, rest, _ := strings.Cut(s, " ")
	status, body, _ := strings.Cut(strings.TrimSpace(rest), " ")
	var r Replies
	switch verb {
	case "fails":
	case "answers":
		var err error
		if r.Status, err = strconv.Atoi(status); err != nil || r.Status < 100 || r.Status > 599 {
			p.mistake(fmt.Sprintf("%q is no HTTP status", status), `write it like: backend answers 200 {"place": "Leeds"}`)
		}
		if body = strings.TrimSpace(body); body != "" {
			if err := json.Unmarshal([]byte(body), &r.Body); err != nil {
				p.mistake(fmt.Sprintf("not a JSON object: %v", err), `write it like: backend answers 200 {"place": "Leeds"}`)
			}
		}
	default:
		p.mistake(fmt.Sprintf("backend cannot %q", s), "a backend answers STATUS {...}, or fails")
	}
	p.add("backend", r)
}

// atForm is how the time of a call is written.
const atForm = "2006-01-02T15:04"

func (p *talkParser) time(s string) {
	at, err := time.ParseInLocation(atForm, s, time.Local)
	if err != nil {
		p.mistake(fmt.Sprintf("%q is no time", s), "write it like: at 2026-11-21T10:30")
	}
	if len(p.talk.Steps) > 0 {
		p.mistake("the time of a call stands at its beginning", "")
	}
	p.add("", At{at})
}

// splitOutsideQuotes splits at commas that do not stand in quotes.
func splitOutsideQuotes(s string) (parts []string) {
	inQuotes, from := false, 0
	for i, r := range s {
		switch {
		case r == '"':
			inQuotes = !inQuotes
		case r == ',' && !inQuotes:
			parts = append(parts, strings.TrimSpace(s[from:i]))
			from = i + 1
		}
	}
	return append(parts, strings.TrimSpace(s[from:]))
}
