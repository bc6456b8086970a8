package records

// redacted stands for a card number that was said or keyed.
const redacted = "[card number]"

// Redact takes payment card numbers out of text, in digits or spoken, "four one one one", "double four", "forty one eleven":
// 13 to 19 digits that begin and check (ISO/IEC 7812, Luhn) as cards do. Call it before anything a caller said is logged.
func Redact(text string) string {
	redact([]*string{&text})
	return text
}

// redact does so in texts that follow each other, also with a number that goes on from one to the next.
func redact(texts []*string) {
	var runs [][]digit
	var run []digit
	for i, text := range texts {
		for _, t := range tokens(*text) {
			if t.digits == "" {
				runs, run = append(runs, run), nil
				continue
			}
			for _, d := range t.digits {
				run = append(run, digit{byte(d), i, t.start, t.end})
			}
		}
	}
	var cuts []span
	for _, run := range append(runs, run) {
		cuts = append(cuts, cards(run)...)
	}
	for i := len(cuts) - 1; i >= 0; i-- { // from behind, so that what comes before keeps its place
		c := cuts[i]
		*texts[c.text] = (*texts[c.text])[:c.start] + redacted + (*texts[c.text])[c.end:]
	}
}

// digit is one of a run, and where it was said.
type digit struct {
	value      byte // '0' to '9'
	text       int
	start, end int // of the number or the words it is part of
}

// span is a piece of a text.
type span struct{ text, start, end int }

// cards finds card numbers in a run of digits: where they are, a span for each text they touch.
func cards(run []digit) (found []span) {
	values := make([]byte, len(run))
	for i, d := range run {
		values[i] = d.value
	}
	for from := 0; from < len(run); {
		n := cardAt(values[from:])
		if n == 0 {
			from++
			continue
		}
		for i, d := range run[from : from+n] {
			last := len(found) - 1
			if last >= 0 && found[last].text == d.text && (i > 0 || found[last].end > d.start) {
				found[last].end = max(found[last].end, d.end)
				continue
			}
			found = append(found, span{d.text, d.start, d.end})
		}
		from += n
	}
	return found
}

// issuers is how card numbers begin, and how long they are.
var issuers = []struct {
	low, high string
	lengths   []int // most usual first
}{
	{"4", "4", []int{16, 19, 13}},           // Visa
	{"51", "55", []int{16}},                 // Mastercard
	{"2221", "2720", []int{16}},             // Mastercard
	{"34", "34", []int{15}},                 // American Express
	{"37", "37", []int{15}},                 // American Express
	{"300", "305", []int{14, 16}},           // Diners Club
	{"36", "36", []int{14, 16}},             // Diners Club
	{"38", "39", []int{14, 16}},             // Diners Club
	{"3528", "3589", []int{16, 17, 18, 19}}, // JCB
	{"60", "65", []int{16, 17, 18, 19}},     // Discover, UnionPay, RuPay
	{"50", "50", []int{16, 13, 15, 18, 19}}, // Maestro
	{"56", "58", []int{16, 13, 15, 18, 19}}, // Maestro
	{"67", "67", []int{16, 13, 15, 18, 19}}, // Maestro
}

// cardAt returns the length of the card number that digits begin with, 0 if they do not.
func cardAt(digits []byte) int {
	for _, issuer := range issuers {
		if len(digits) < len(issuer.low) {
			continue
		}
		if begin := string(digits[:len(issuer.low)]); begin < issuer.low || begin > issuer.high {
			continue
		}
		for _, n := range issuer.lengths {
			if n <= len(digits) && luhn(digits[:n]) {
				return n
			}
		}
	}
	return 0
}

// luhn checks the last digit (ISO/IEC 7812-1, annex B).
func luhn(digits []byte) bool {
	sum := 0
	for i, d := range digits {
		v := int(d - '0')
		if (len(digits)-i)%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}
