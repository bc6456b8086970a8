package dialog

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	weekdays = map[string]time.Weekday{"monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6, "sunday": 0,
		"mon": 1, "tue": 2, "tues": 2, "wed": 3, "weds": 3, "thu": 4, "thur": 4, "thurs": 4, "fri": 5,
		"mondays": 1, "tuesdays": 2, "wednesdays": 3, "thursdays": 4, "fridays": 5, "saturdays": 6, "sundays": 0, "fryday": 5, "wensday": 3}
	months = map[string]time.Month{"january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8,
		"september": 9, "october": 10, "november": 11, "december": 12, "jan": 1, "feb": 2, "mar": 3, "apr": 4, "jun": 6, "jul": 7, "aug": 8,
		"sep": 9, "sept": 9, "oct": 10, "nov": 11, "dec": 12}
	ordinals = ordinalWords()
	// misheardDays are what recognisers write for short names of days.
	misheardDays = map[string]string{"first day": "thursday", "thirst day": "thursday", "third day": "thursday", "chews day": "tuesday",
		"choose day": "tuesday", "two's day": "tuesday", "sat today": "saturday", "son day": "sunday", "fried day": "friday", "free day": "friday", "wins day": "wednesday"}
)

// ordinalWords maps "third", "3rd", "twenty third" (one token after [joinOrdinals]) to days of a month.
func ordinalWords() map[string]int {
	words := map[string]int{}
	for n := 1; n <= 31; n++ {
		words[strings.ReplaceAll(ordinalInWords(n), "-", " ")] = n
		for _, suffix := range [...]string{"st", "nd", "rd", "th"} {
			words[strconv.Itoa(n)+suffix] = n
		}
	}
	return words
}

// heardDay finds the day an utterance names, seen from the day of now; the last one counts when words take back the first
// ("Tuesday, no, Thursday"). The result is midnight UTC of that date.
func heardDay(utterance string, now time.Time) (day time.Time, ok bool) {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	words := joinOrdinals(tokens(utterance))
	takeUp := false
	for i := 0; i < len(words); {
		found, used := dayAt(words[i:], today)
		if used == 0 {
			takeUp = takeUp || takesBack[words[i]]
			i++
			continue
		}
		if !ok || takeUp {
			day, ok = found, true
		}
		i += used
	}
	return day, ok
}

// joinOrdinals makes one token of "twenty third" and "26" of "twenty six", and drops "of" and "the" around dates.
func joinOrdinals(words []string) []string {
	var out []string
	for i := 0; i < len(words); i++ {
		if i+1 < len(words) && ordinals[words[i]+" "+words[i+1]] > 0 {
			out = append(out, words[i]+" "+words[i+1])
			i++
			continue
		}
		if i+1 < len(words) && tensWords[words[i]] > 0 && len(digitWords[words[i+1]]) == 1 {
			n := strconv.Itoa(tensWords[words[i]] + int(digitWords[words[i+1]][0]-'0'))
			if i > 0 && words[i-1] == "the" { // "the twenty six" lost its "th" on the way
				n += "th"
			}
			out = append(out, n)
			i++
			continue
		}
		if i+1 < len(words) && misheardDays[words[i]+" "+words[i+1]] != "" {
			out = append(out, misheardDays[words[i]+" "+words[i+1]])
			i++
			continue
		}
		if n := ordinals[words[i]]; n > 0 && i > 0 && words[i-1] == "the" {
			out = append(out, strconv.Itoa(n)+"th") // "the second" is a day, "second" alone may be anything
			continue
		}
		if words[i] != "the" && words[i] != "of" {
			out = append(out, words[i])
		}
	}
	return out
}

// dayAt reads a day at the head of words and says how many it took, 0 for none.
func dayAt(words []string, today time.Time) (time.Time, int) {
	is := func(phrase string) bool {
		want := strings.Fields(phrase)
		return len(words) >= len(want) && slices.Equal(words[:len(want)], want)
	}
	switch {
	case is("day after tomorrow"):
		return today.AddDate(0, 0, 2), 3
	case is("today") || is("tonight"):
		return today, 1
	case is("tomorrow"):
		return today.AddDate(0, 0, 1), 1
	}
	if day, used := dayAhead(words, today); used > 0 {
		return day, used
	}
	if day, used := dayOfWeek(words, today); used > 0 {
		return day, used
	}
	return dayOfMonth(words, today)
}

// dayAhead reads "in two days", "in a week", "a week today", "a week on thursday".
func dayAhead(words []string, today time.Time) (time.Time, int) {
	if words[0] == "in" && len(words) > 2 {
		n, ok := smallNumber(words[1])
		if words[1] == "a" || words[1] == "an" {
			n, ok = 1, true
		}
		switch {
		case ok && (words[2] == "days" || words[2] == "day"):
			return today.AddDate(0, 0, n), 3
		case ok && (words[2] == "weeks" || words[2] == "week"):
			return today.AddDate(0, 0, 7*n), 3
		}
	}
	if len(words) > 2 && (words[0] == "a" || words[0] == "one") && words[1] == "week" {
		rest := words[2:]
		if (rest[0] == "on" || rest[0] == "from") && len(rest) > 1 {
			rest = rest[1:]
		}
		if day, used := dayAt(rest, today); used > 0 {
			return day.AddDate(0, 0, 7), len(words) - len(rest) + used
		}
	}
	return time.Time{}, 0
}

// dayOfWeek reads "thursday", "this thursday", "next thursday" (of the week that begins next Monday), "thursday week",
// "thursday next week", and a date after it: "thursday twenty sixth november".
func dayOfWeek(words []string, today time.Time) (time.Time, int) {
	used, next := 0, false
	if (words[0] == "next" || words[0] == "this" || words[0] == "coming") && len(words) > 1 {
		used, next = 1, words[0] == "next"
	}
	weekday, ok := weekdays[words[used]]
	if !ok {
		return time.Time{}, 0
	}
	used++
	sinceMonday := (int(today.Weekday()) + 6) % 7
	ofNextWeek := today.AddDate(0, 0, 7-sinceMonday+(int(weekday)+6)%7)
	if next {
		return ofNextWeek, used
	}
	rest := words[used:]
	if len(rest) > 0 {
		if day, more := dayOfMonth(rest, today); more > 0 && day.Weekday() == weekday {
			return day, used + more
		}
	}
	if len(rest) > 1 && rest[0] == "next" && rest[1] == "week" {
		return ofNextWeek, used + 2
	}
	ahead := (int(weekday) - int(today.Weekday()) + 7) % 7
	if ahead == 0 {
		ahead = 7
	}
	if len(rest) > 0 && rest[0] == "week" {
		return today.AddDate(0, 0, ahead+7), used + 1
	}
	return today.AddDate(0, 0, ahead), used
}

// dayOfMonth reads "3rd may", "may third", "3 may", "twenty sixth": the next such day from today on.
func dayOfMonth(words []string, today time.Time) (time.Time, int) {
	number := func(word string) int {
		if n, err := strconv.Atoi(word); err == nil && n >= 1 && n <= 31 {
			return n
		}
		n, _ := smallNumber(word)
		return max(ordinals[word], n)
	}
	if n := number(words[0]); n > 0 {
		if len(words) > 1 && months[words[1]] > 0 {
			return nextDate(months[words[1]], n, today, 2)
		}
		if ordinals[words[0]] == 0 || words[0] == "first" || words[0] == "second" || words[0] == "third" {
			return time.Time{}, 0
		}
		for month := 0; month < 3; month++ {
			first := time.Date(today.Year(), today.Month()+time.Month(month), 1, 0, 0, 0, 0, time.UTC)
			if day := first.AddDate(0, 0, n-1); day.Month() == first.Month() && !day.Before(today) {
				return day, 1
			}
		}
		return time.Time{}, 0
	}
	if month := months[words[0]]; month > 0 && len(words) > 1 {
		if n := number(words[1]); n > 0 {
			return nextDate(month, n, today, 2)
		}
	}
	return time.Time{}, 0
}

// nextDate is that date in the current year, or in the next if it has passed; 0 words are used when there is none.
func nextDate(month time.Month, n int, today time.Time, used int) (time.Time, int) {
	for year := today.Year(); year <= today.Year()+1; year++ {
		day := time.Date(year, month, n, 0, 0, 0, 0, time.UTC)
		if day.Month() == month && !day.Before(today) {
			return day, used
		}
	}
	return time.Time{}, 0
}
