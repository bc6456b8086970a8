package testaudio

import (
	"regexp"
	"strings"
)

// Words are the words of a text as [WordErrors] compares them, so that only what sounds different is different:
//
//   - small letters, no punctuation, no hesitations (um, uh, er, hmm);
//   - numbers digit by digit, whether written in digits or in words: "512", "five one two" and "five hundred and twelve" are three
//     words; ordinals, money, percent and full hours likewise;
//   - contractions written out: "don't" is "do not", "it's" is "it is", "gonna" is "going to";
//   - Mr, Dr and OK as they are spoken, British spellings as American ones.
func Words(text string) []string {
	s := strings.ReplaceAll(strings.ToLower(text), "’", "'")
	for _, c := range contractions {
		s = c.short.ReplaceAllString(s, c.long)
	}
	var words []string
	for _, w := range wordsOf(s) {
		if !hesitations[w.text] {
			words = append(words, american(w.text))
		}
	}
	return words
}

// WordErrors counts the words of said, and how many are wrong in heard: misheard, left out or put in, by the least number of
// changes that make one of the other. Words written together or apart ("voicemail", "voice mail") are the same.
func WordErrors(said, heard string) (wrong, words int) {
	want, got := Words(said), Words(heard)
	cost := make([][]int, len(want)+1) // cost[i][j]: of making got[:j] of want[:i]
	for i := range cost {
		cost[i] = make([]int, len(got)+1)
		for j := range cost[i] {
			cost[i][j] = changes(cost, want, got, i, j)
		}
	}
	return cost[len(want)][len(got)], len(want)
}

// changes is one cell of the table of [WordErrors], from those before it.
func changes(cost [][]int, want, got []string, i, j int) int {
	if i == 0 || j == 0 {
		return i + j
	}
	least := min(cost[i-1][j], cost[i][j-1]) + 1
	swap := cost[i-1][j-1]
	if want[i-1] != got[j-1] {
		swap++
	}
	least = min(least, swap)
	if i > 1 && want[i-2]+want[i-1] == got[j-1] {
		least = min(least, cost[i-2][j-1])
	}
	if j > 1 && got[j-2]+got[j-1] == want[i-1] {
		least = min(least, cost[i-1][j-2])
	}
	return least
}

var hesitations = map[string]bool{"um": true, "uh": true, "er": true, "erm": true, "hmm": true, "mm": true, "uhm": true}

// contractions and what they stand for, in order: "won't" before every other "n't".
var contractions = []struct {
	short *regexp.Regexp
	long  string
}{
	{regexp.MustCompile(`\bwon't\b`), "will not"},
	{regexp.MustCompile(`\bshan't\b`), "shall not"},
	{regexp.MustCompile(`\b(can't|can not)\b`), "cannot"},
	{regexp.MustCompile(`n't\b`), " not"},
	{regexp.MustCompile(`\blet's\b`), "let us"},
	{regexp.MustCompile(`\b(it|he|she|that|what|where|there|here|who|how|when|everything)'s\b`), "$1 is"},
	{regexp.MustCompile(`\b(i)'m\b`), "$1 am"},
	{regexp.MustCompile(`(\w)'re\b`), "$1 are"},
	{regexp.MustCompile(`(\w)'ve\b`), "$1 have"},
	{regexp.MustCompile(`(\w)'ll\b`), "$1 will"},
	{regexp.MustCompile(`(\w)'d\b`), "$1 would"},
	{regexp.MustCompile(`\bgonna\b`), "going to"},
	{regexp.MustCompile(`\bwanna\b`), "want to"},
	{regexp.MustCompile(`\bo\.?k\.?\b`), "okay"},
	{regexp.MustCompile(`\bmr\b`), "mister"},
	{regexp.MustCompile(`\bmrs\b`), "missus"},
	{regexp.MustCompile(`\bdr\b`), "doctor"},
	{regexp.MustCompile(`&`), " and "},
}

// british are spellings by their beginning, and the American ones.
var british = [][2]string{
	{"colour", "color"}, {"favour", "favor"}, {"honour", "honor"}, {"neighbour", "neighbor"}, {"labour", "labor"},
	{"harbour", "harbor"}, {"behaviour", "behavior"}, {"flavour", "flavor"}, {"humour", "humor"}, {"rumour", "rumor"},
	{"parlour", "parlor"}, {"vigour", "vigor"}, {"armour", "armor"}, {"endeavour", "endeavor"}, {"splendour", "splendor"},
	{"centre", "center"}, {"theatre", "theater"}, {"metre", "meter"}, {"litre", "liter"}, {"fibre", "fiber"}, {"grey", "gray"},
	{"programme", "program"}, {"cheque", "check"}, {"defence", "defense"}, {"offence", "offense"}, {"licence", "license"},
	{"organis", "organiz"}, {"recognis", "recogniz"}, {"realis", "realiz"}, {"apologis", "apologiz"}, {"authoris", "authoriz"},
	{"travell", "travel"}, {"cancell", "cancel"}, {"dialling", "dialing"}, {"dialled", "dialed"}, {"towards", "toward"},
}

func american(word string) string {
	for _, b := range british {
		if rest, ok := strings.CutPrefix(word, b[0]); ok {
			return b[1] + rest
		}
	}
	return word
}
