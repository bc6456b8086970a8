package dialog

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// written finds what a voice would stumble over, longest forms first.
var written = regexp.MustCompile(`(?i)` + strings.Join([]string{
	`(?P<date>\b\d{4}-\d{2}-\d{2}\b)`,
	`(?P<money>£\d[\d,]*(?:\.\d{2})?)`,
	`(?P<pence>\b\d+p\b)`,
	`(?P<clock>\b\d{1,2}:\d{2}(?: ?[ap]\.?m\b)?)`,
	`(?P<hour>\b\d{1,2} ?[ap]\.?m\b)`,
	`(?P<ordinal>\b\d{1,3}(?:st|nd|rd|th)\b)`,
	`(?P<slashed>\b24/7\b)`,
	`(?P<percent>\b\d+(?:\.\d+)?%)`,
	`(?P<kilo>\b\d+(?:\.\d+)? ?kg\b)`,
	`(?P<grouped>\b\d{1,3}(?:,\d{3})+\b)`,
	`(?P<long>\b\d{5,}\b|\b0\d+\b)`,
	`(?P<mixed>\b[a-z]{1,3}\d+\b)`,
	`(?P<number>\b\d+(?:\.\d+)?\b)`,
}, "|"))

// speakable writes every numeral of a text in words, as a person would read it out, and joins white space.
func speakable(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if !strings.ContainsAny(text, "0123456789") {
		return text
	}
	var out strings.Builder
	last := 0
	for _, at := range written.FindAllStringSubmatchIndex(text, -1) {
		out.WriteString(text[last:at[0]])
		for i, kind := range written.SubexpNames() {
			if i > 0 && at[2*i] >= 0 {
				out.WriteString(numeralInWords(kind, text[at[0]:at[1]]))
				break
			}
		}
		last = at[1]
	}
	out.WriteString(text[last:])
	return unglued(out.String())
}

// unglued says digits inside words, such as "1e9", alone.
func unglued(text string) string {
	if !strings.ContainsAny(text, "0123456789") {
		return text
	}
	apart := leftDigit.ReplaceAllStringFunc(text, func(digit string) string { return " " + units[digit[0]-'0'] + " " })
	return strings.Join(strings.Fields(apart), " ")
}

var leftDigit = regexp.MustCompile(`[0-9]`)

func numeralInWords(kind, s string) string {
	whole := func(s string) int { n, _ := strconv.Atoi(strings.ReplaceAll(s, ",", "")); return n }
	switch kind {
	case "date":
		if day, err := time.Parse(time.DateOnly, s); err == nil {
			return dayInWords(day)
		}
		return digitsInWords(s)
	case "money":
		pounds, pence, _ := strings.Cut(strings.TrimPrefix(s, "£"), ".")
		return moneyInWords(whole(pounds)*100 + whole(pence))
	case "pence":
		return moneyInWords(whole(s[:len(s)-1]))
	case "clock", "hour":
		if words, ok := clockInWords(s); ok {
			return words
		}
		return digitsInWords(s)
	case "ordinal":
		return ordinalInWords(whole(s[:len(s)-2]))
	case "slashed":
		return "twenty-four seven"
	case "percent":
		words, _ := decimalInWords(s[:len(s)-1])
		return words + " percent"
	case "kilo":
		number := strings.TrimSpace(s[:len(s)-2])
		words, _ := decimalInWords(number)
		if number == "1" {
			return words + " kilo"
		}
		return words + " kilos"
	case "long", "mixed":
		return digitsInWords(s)
	}
	if n := whole(s); kind == "number" && len(s) == 4 && n >= 1900 && n < 2100 {
		return yearInWords(n)
	}
	if words, ok := decimalInWords(s); ok {
		return words
	}
	return digitsInWords(s)
}

// dayInWords says a date: "Thursday the twenty-sixth of November".
func dayInWords(day time.Time) string {
	return day.Weekday().String() + " the " + ordinalInWords(day.Day()) + " of " + day.Month().String()
}

// clockInWords says "14:30" as "half past two in the afternoon" and "9 am" as "nine in the morning".
func clockInWords(s string) (words string, ok bool) {
	s = strings.ToLower(strings.NewReplacer(" ", "", ".", "").Replace(s))
	half := ""
	if cut, is := strings.CutSuffix(s, "am"); is {
		s, half = cut, "am"
	} else if cut, is := strings.CutSuffix(s, "pm"); is {
		s, half = cut, "pm"
	}
	hours, minutes, _ := strings.Cut(s, ":")
	hour, err := strconv.Atoi(hours)
	minute, bad := 0, error(nil)
	if minutes != "" {
		minute, bad = strconv.Atoi(minutes)
	}
	if err != nil || bad != nil || hour > 24 || minute > 59 {
		return "", false
	}
	switch {
	case half == "pm" && hour < 12:
		hour += 12
	case half == "am" && hour == 12:
		hour = 0
	}
	hour %= 24
	return quarters(hour, minute), true
}

func quarters(hour, minute int) string {
	name := func(h int) string { return units[(h%24+11)%12+1] }
	part := " in the morning"
	switch {
	case hour >= 18:
		part = " in the evening"
	case hour >= 12:
		part = " in the afternoon"
	}
	switch {
	case minute == 0 && hour == 12:
		return "noon"
	case minute == 0 && hour == 0:
		return "midnight"
	case minute == 0:
		return name(hour) + part
	case minute == 15:
		return "quarter past " + name(hour) + part
	case minute == 30:
		return "half past " + name(hour) + part
	case minute == 45:
		return "quarter to " + name(hour+1) + part
	case minute < 10:
		return name(hour) + " oh " + units[minute] + part
	}
	return name(hour) + " " + belowHundred(minute) + part
}
