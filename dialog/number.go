package dialog

import (
	"strconv"
	"strings"
)

var (
	units = [20]string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
		"thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"}
	tens   = [10]string{2: "twenty", 3: "thirty", 4: "forty", 5: "fifty", 6: "sixty", 7: "seventy", 8: "eighty", 9: "ninety"}
	scales = [...]struct {
		value int
		name  string
	}{{1_000_000_000, "billion"}, {1_000_000, "million"}, {1000, "thousand"}}
	irregular = map[string]string{"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
		"nine": "ninth", "twelve": "twelfth"}
)

// numberInWords says a number as one counts: 4512 is "four thousand five hundred and twelve".
func numberInWords(n int) string {
	if n < 0 {
		return "minus " + numberInWords(-n)
	}
	var words []string
	for _, scale := range scales {
		if n >= scale.value {
			words = append(words, numberInWords(n/scale.value), scale.name)
			n %= scale.value
		}
	}
	if n >= 100 {
		words = append(words, units[n/100], "hundred")
		n %= 100
	}
	if n > 0 || len(words) == 0 {
		if len(words) > 0 {
			words = append(words, "and")
		}
		words = append(words, belowHundred(n))
	}
	return strings.Join(words, " ")
}

func belowHundred(n int) string {
	if n < 20 {
		return units[n]
	}
	if n%10 == 0 {
		return tens[n/10]
	}
	return tens[n/10] + "-" + units[n%10]
}

// ordinalInWords says a place in a row: 23 is "twenty-third".
func ordinalInWords(n int) string {
	words := numberInWords(n)
	cut := strings.LastIndexAny(words, " -") + 1
	last := words[cut:]
	switch {
	case irregular[last] != "":
		last = irregular[last]
	case strings.HasSuffix(last, "y"):
		last = strings.TrimSuffix(last, "y") + "ieth"
	default:
		last += "th"
	}
	return words[:cut] + last
}

// digitsInWords says each digit and letter alone: "R45" is "R four five". What is neither becomes a pause.
func digitsInWords(s string) string {
	var words []string
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			words = append(words, units[r-'0'])
		case isLetter(r):
			words = append(words, strings.ToUpper(string(r)))
		case len(words) > 0 && !strings.HasSuffix(words[len(words)-1], ","):
			words[len(words)-1] += ","
		}
	}
	return strings.TrimSuffix(strings.Join(words, " "), ",")
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// yearInWords says a year as it is spoken: 2026 is "twenty twenty-six", 2005 "two thousand and five".
func yearInWords(year int) string {
	high, low := year/100, year%100
	switch {
	case year < 1100 || year > 2099 || high == 20 && low < 10:
		return numberInWords(year)
	case low == 0:
		return belowHundred(high) + " hundred"
	case low < 10:
		return belowHundred(high) + " oh " + units[low]
	}
	return belowHundred(high) + " " + belowHundred(low)
}

// moneyInWords says an amount of the smallest unit: 495 pence is "four pounds ninety-five".
func moneyInWords(pence int) string {
	if pence < 0 {
		return "minus " + moneyInWords(-pence)
	}
	pounds, rest := pence/100, pence%100
	pound := " pounds"
	if pounds == 1 {
		pound = " pound"
	}
	switch {
	case pounds == 0 && rest == 1:
		return "one penny"
	case pounds == 0:
		return numberInWords(rest) + " pence"
	case rest == 0:
		return numberInWords(pounds) + pound
	case rest < 10:
		return numberInWords(pounds) + pound + " and " + numberInWords(rest) + " pence"
	}
	return numberInWords(pounds) + pound + " " + numberInWords(rest)
}

// decimalInWords says "2.50" as "two point five zero" and "7" as "seven"; ok is false if s is no number.
func decimalInWords(s string) (words string, ok bool) {
	whole, fraction, point := strings.Cut(strings.ReplaceAll(s, ",", ""), ".")
	n, err := strconv.Atoi(whole)
	if err != nil || point && fraction == "" {
		return "", false
	}
	if !point {
		return numberInWords(n), true
	}
	if _, err := strconv.ParseUint(fraction, 10, 64); err != nil {
		return "", false
	}
	return numberInWords(n) + " point " + digitsInWords(fraction), true
}
