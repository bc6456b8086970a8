package transfer

import "strings"

var digitWords = [...]string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}

// Brief is what is spoken to the seat alone.
func Brief(h Handover) string {
	return strings.TrimSpace(h.Intent + ". Press 1 to take the call, 2 to decline.")
}
