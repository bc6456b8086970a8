package dialog

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// text is a wording with places for values: "Parcel {{parcel | digits}} is in {{place}}."
type text struct {
	parts []part
}

// part is fixed words, or a value and how to say it.
type part struct {
	fixed string
	name  string
	as    string // a format, "" plain
}

var place = regexp.MustCompile(`\{\{\s*([^{}|]*?)\s*(?:\|\s*([^{}|]*?)\s*)?\}\}`)

// formats of a place, each from the value's text to words; now is the day of the call.
var formats = map[string]func(value string, now time.Time) string{
	"digits":  func(v string, _ time.Time) string { return digitsInWords(v) },
	"spell":   func(v string, _ time.Time) string { return digitsInWords(v) },
	"number":  func(v string, _ time.Time) string { return orElse(decimalInWords(v))(v) },
	"pence":   sayPence,
	"money":   sayPounds,
	"day":     sayDay,
	"time":    func(v string, _ time.Time) string { return orElse(clockInWords(v))(v) },
	"ordinal": sayOrdinal,
}

func orElse(words string, ok bool) func(string) string {
	return func(otherwise string) string {
		if ok {
			return words
		}
		return otherwise
	}
}

func sayPence(v string, _ time.Time) string {
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		return moneyInWords(int(n + 0.5))
	}
	return v
}

func sayPounds(v string, _ time.Time) string {
	if n, err := strconv.ParseFloat(strings.TrimPrefix(v, "£"), 64); err == nil {
		return moneyInWords(int(n*100 + 0.5))
	}
	return v
}

func sayOrdinal(v string, _ time.Time) string {
	if n, err := strconv.Atoi(v); err == nil {
		return ordinalInWords(n)
	}
	return v
}

// sayDay says a date near the call as people do: "today", "tomorrow", else the weekday with its date.
func sayDay(v string, now time.Time) string {
	day, err := time.Parse(time.DateOnly, v[:min(len(v), len(time.DateOnly))])
	if err != nil {
		return v
	}
	switch day.Format(time.DateOnly) {
	case now.Format(time.DateOnly):
		return "today"
	case now.AddDate(0, 0, 1).Format(time.DateOnly):
		return "tomorrow"
	}
	return dayInWords(day)
}

// parseText cuts a wording at its places; problems are in words, for the bot file's author.
func parseText(s string) (text, []string) {
	var t text
	var problems []string
	last := 0
	for _, at := range place.FindAllStringSubmatchIndex(s, -1) {
		if at[0] > last {
			t.parts = append(t.parts, part{fixed: s[last:at[0]]})
		}
		p := part{name: s[at[2]:at[3]]}
		if at[4] >= 0 {
			p.as = s[at[4]:at[5]]
			if formats[p.as] == nil {
				problems = append(problems, fmt.Sprintf("unknown format %q in %s", p.as, s[at[0]:at[1]]))
			}
		}
		t.parts = append(t.parts, p)
		last = at[1]
	}
	if last < len(s) {
		t.parts = append(t.parts, part{fixed: s[last:]})
	}
	for _, p := range t.parts {
		if strings.Contains(p.fixed, "{{") || strings.Contains(p.fixed, "}}") {
			problems = append(problems, fmt.Sprintf("a place is not closed in %q", s))
		}
	}
	return t, problems
}

// names lists the values a text needs.
func (t text) names() []string {
	var names []string
	for _, p := range t.parts {
		if p.name != "" && !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	return names
}

// fill puts values in; each is said by say, which gets the format asked for.
func (t text) fill(say func(name, as string) string) string {
	var out strings.Builder
	for _, p := range t.parts {
		if p.name == "" {
			out.WriteString(p.fixed)
			continue
		}
		out.WriteString(say(p.name, p.as))
	}
	return out.String()
}

// escaped is a value in a URL: safe in a path segment and in a query.
func escaped(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }
