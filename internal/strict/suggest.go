package strict

import (
	"fmt"
	"strings"
)

// Suggest returns the word among the valid ones that a person most likely meant, or "" when none is near.
func Suggest(word string, valid []string) string {
	best, nearest := "", 1+max(1, len(word)/3)
	for _, candidate := range valid {
		d := distance(strings.ToLower(word), strings.ToLower(candidate))
		if d < nearest {
			best, nearest = candidate, d
		}
	}
	return best
}

// instead says what could stand where word is not valid: the likely one, or all when they are few.
func instead(word string, valid []string) string {
	if near := Suggest(word, valid); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(valid) > 0 && len(valid) <= 12 {
		return "valid here: " + strings.Join(valid, ", ")
	}
	return ""
}

// Unknown says what could stand where a name is not known: for validators of references.
func Unknown(kind, word string, valid []string) (what, hint string) {
	return fmt.Sprintf("unknown %s %q", kind, word), instead(word, valid)
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that make b of a.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
