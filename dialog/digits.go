package dialog

import (
	"slices"
	"strconv"
	"strings"
)

// Words that are digits, and words a recogniser writes for digits it heard. The latter count only beside real ones.
var (
	digitWords = map[string]string{"zero": "0", "oh": "0", "o": "0", "nought": "0", "naught": "0", "nil": "0", "one": "1", "two": "2",
		"three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "niner": "9"}
	teenWords = map[string]int{"ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
		"seventeen": 17, "eighteen": 18, "nineteen": 19}
	tensWords = map[string]int{"twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
		"ninety": 90}
	soundsLike = map[string]string{"for": "4", "fore": "4", "to": "2", "too": "2", "won": "1", "ate": "8", "free": "3", "tree": "3",
		"sex": "6", "sics": "6", "owe": "0", "or": "4", "fife": "5", "hive": "5", "nein": "9", "sixth": "6", "tu": "2", "wan": "1"}
	repeats       = map[string]int{"double": 2, "triple": 3, "treble": 3}
	betweenDigits = map[string]bool{"and": true, "dash": true, "hyphen": true, "um": true, "uh": true, "er": true, "erm": true, "then": true,
		"space": true}
	takesBack = map[string]bool{"no": true, "sorry": true, "mean": true, "rather": true, "actually": true, "not": true, "correction": true,
		"wait": true, "instead": true}
)

// run is a stretch of an utterance that may be digits.
type run struct {
	words  []string
	takeUp bool // words before it take back what was said earlier
}

func isDigits(word string) bool {
	for _, r := range word {
		if r < '0' || r > '9' {
			return false
		}
	}
	return word != ""
}

// strong words are digits wherever they stand.
func strong(word string) bool {
	return digitWords[word] != "" && word != "o" || teenWords[word] > 0 || tensWords[word] > 0 || isDigits(word)
}

func digitish(word string) bool {
	return strong(word) || digitWords[word] != "" || soundsLike[word] != "" || betweenDigits[word] ||
		repeats[word] > 0 || word == "hundred" || word == "thousand"
}

// digitRuns cuts out what may be digits.
func digitRuns(words []string) []run {
	var runs []run
	var now []string
	takeUp := false
	flush := func() {
		for len(now) > 0 && betweenDigits[now[len(now)-1]] {
			now = now[:len(now)-1]
		}
		if slices.ContainsFunc(now, strong) {
			runs = append(runs, run{now, takeUp})
			takeUp = false
		}
		now = nil
	}
	for _, word := range words {
		if !digitish(word) || len(now) == 0 && betweenDigits[word] {
			flush()
			takeUp = takeUp || takesBack[word]
			continue
		}
		now = append(now, word)
	}
	flush()
	return runs
}

// readings returns the digit strings that a run may mean, likeliest first. Words that only sound like digits count when
// homophones is set; otherwise they are left out.
func readings(words []string, homophones bool) []string {
	out := []string{""}
	for i := 0; i < len(words); {
		groups, used := group(words[i:], homophones)
		if used == 0 {
			i++
			continue
		}
		var next []string
		for _, head := range out {
			for _, tail := range groups {
				if len(next) < 64 && len(head)+len(tail) <= 40 {
					next = append(next, head+tail)
				}
			}
		}
		out, i = next, i+used
	}
	return out
}

// group reads one number at the head of words, in each way it may be meant, and how many words it took.
func group(words []string, homophones bool) (ways []string, used int) {
	word := words[0]
	if times := repeats[word]; times > 0 {
		if len(words) > 1 && len(single(words[1], homophones)) == 1 {
			return []string{strings.Repeat(single(words[1], homophones), times)}, 2
		}
		return nil, 0
	}
	if n, used, ok := counted(words); ok {
		return []string{strconv.Itoa(n)}, used
	}
	if ten := tensWords[word]; ten > 0 {
		if len(words) > 1 {
			if d := single(words[1], homophones); len(d) == 1 && d != "0" {
				joined := strconv.Itoa(ten + int(d[0]-'0'))
				return []string{joined, strconv.Itoa(ten) + d}, 2
			}
		}
		return []string{strconv.Itoa(ten)}, 1
	}
	if teen := teenWords[word]; teen > 0 {
		return []string{strconv.Itoa(teen)}, 1
	}
	if d := single(word, homophones); d != "" {
		return []string{d}, 1
	}
	return nil, 0
}

// single reads a word as it stands: a digit, a numeral, or what sounds like a digit.
func single(word string, homophones bool) string {
	switch {
	case isDigits(word):
		return word
	case digitWords[word] != "":
		return digitWords[word]
	case homophones:
		return soundsLike[word]
	}
	return ""
}

// counted reads numbers with "hundred" and "thousand" in them: "four thousand five hundred and twelve".
func counted(words []string) (n, used int, ok bool) {
	total, part, scaled := 0, -1, false
	for i, word := range words {
		value, small := smallNumber(word)
		switch {
		case small && (part < 0 || part%10 == 0 && part%100 >= 20 && value < 10 || part >= 100 && part%100 == 0 && value < 100):
			part = max(part, 0) + value
		case word == "hundred" && part > 0 && part < 100:
			part, scaled = part*100, true
		case word == "thousand" && part > 0 && total == 0:
			total, part, scaled = part*1000, -1, true
		case word == "and" && scaled && i+1 < len(words):
			continue
		default:
			return total + max(part, 0), i, scaled
		}
	}
	return total + max(part, 0), len(words), scaled
}

func smallNumber(word string) (int, bool) {
	if n := teenWords[word] + tensWords[word]; n > 0 {
		return n, true
	}
	if d := digitWords[word]; d != "" && d != "0" {
		return int(d[0] - '0'), true
	}
	if n, err := strconv.Atoi(word); err == nil && n > 0 && n < 100 {
		return n, true
	}
	return 0, false
}

// heardDigits finds the digits that fit in an utterance. When none fit, heard is what was understood instead, "" for
// nothing: too short, too long, or of the wrong pattern.
func heardDigits(utterance string, fits func(string) bool) (digits, heard string) {
	for _, r := range digitRuns(tokens(utterance)) {
		found := fitting(r.words, fits)
		switch {
		case found != "" && (digits == "" || r.takeUp):
			digits = found
		case found == "":
			if all := readings(r.words, false)[0]; len(all) > len(heard) {
				heard = all
			}
		}
	}
	return digits, heard
}

// fitting tries a run as it stands, then with the words that only sound like digits, then each numeral in it alone.
func fitting(words []string, fits func(string) bool) string {
	for _, homophones := range []bool{false, true} {
		for _, reading := range readings(words, homophones) {
			if fits(reading) {
				return reading
			}
		}
	}
	// "for 4 5 1 2" and "to four five one two": the edges may be the words they are written as.
	for from, to := 0, len(words); from < to && soundsLike[words[from]] != ""; from++ {
		for _, reading := range readings(words[from+1:], true) {
			if fits(reading) {
				return reading
			}
		}
	}
	for _, word := range words {
		if isDigits(word) && len(word) >= 3 && fits(word) {
			return word
		}
	}
	return ""
}
