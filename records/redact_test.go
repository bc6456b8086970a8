package records

import (
	"strings"
	"testing"
)

func TestCardNumbersAreTakenOut(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"digits":            {"my card is 4111111111111111 thanks", "my card is [card number] thanks"},
		"groups":            {"4111 1111-1111.1111", "[card number]"},
		"American Express":  {"378282246310005", "[card number]"},
		"Mastercard":        {"it is 5555 5555 5555 4444 ok", "it is [card number] ok"},
		"Mastercard 2":      {"2223 0031 2200 3222", "[card number]"},
		"Diners":            {"3056 9309 0259 04", "[card number]"},
		"keyed":             {"keys 4111111111111111", "keys [card number]"},
		"spoken":            {"it's four one one one one one one one one one one one one one one one yes", "it's [card number] yes"},
		"spoken capitals":   {"Four One One One, one one one one, one one one one, one one one one.", "[card number]."},
		"pairs":             {"forty one eleven eleven eleven eleven eleven eleven eleven", "[card number]"},
		"hyphens":           {"Forty-one eleven, eleven eleven, eleven eleven, eleven eleven", "[card number]"},
		"double and triple": {"four triple one double one double one triple one triple one double one", "[card number]"},
		"hesitating":        {"four one one one um one one one one and then one one one one er one one one one", "[card number]"},
		"mixed":             {"4111 one one one one 1111 1111", "[card number]"},
		"oh for zero":       {"three seven eight two eight two two four six three one oh oh oh five", "[card number]"},
		"as recognised":     {"for one one one won one one one one one one one one one one one", "[card number]"},
		"thousands":         {"4,111,111,111,111,111", "[card number]"},
		"digits before it":  {"12 4111111111111111", "12 [card number]"},
		"with the date":     {"4111 1111 1111 1111 12 26", "[card number] 12 26"},
		"two cards":         {"4111111111111111, 5555555555554444", "[card number], [card number]"},
		"run together":      {"41111111111111115555555555554444", "[card number]"},
	} {
		if got := Redact(c.text); got != c.want {
			t.Errorf("%s: %q becomes\n%q, want\n%q", name, c.text, got, c.want)
		}
	}
}

func TestOtherNumbersStay(t *testing.T) {
	for _, text := range []string{
		"where is my parcel four five one two", "parcel 4512", "", "call me on 07700 900123", "+44 7700 900123",
		"4111 1111 1111 1112", "one two three four five six seven eight nine ten eleven twelve", "double trouble", "two for one",
		"on the twenty first of March 2026", "\xff\xfe", "Österreich fünf",
	} {
		if got := Redact(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

func TestANumberSaidInSeveralTurnsIsTakenOut(t *testing.T) {
	texts := []string{"it is four one one one", "1111 1111", "one one one one, is that ok"}
	redact([]*string{&texts[0], &texts[1], &texts[2]})
	want := []string{"it is [card number]", "[card number]", "[card number], is that ok"}
	for i := range want {
		if texts[i] != want[i] {
			t.Errorf("turn %d becomes %q, want %q", i, texts[i], want[i])
		}
	}
}

// A number that checks is found wherever it stands and however it is said; what is redacted stays as it is.
func FuzzNoCardNumberEscapes(f *testing.F) {
	f.Add("my card is", "thanks", uint64(0), uint64(111111111111111))
	f.Add("twenty", "two", uint64(0x55aa), uint64(512345678901234))
	f.Fuzz(func(t *testing.T, before, after string, how, account uint64) {
		number := visa(account)
		said := say(number, how)
		got := Redact(before + " ; zz " + said + " zz " + after)
		if strings.Contains(got, said) || !strings.Contains(got, redacted) {
			t.Errorf("%q as %q becomes %q", number, said, got)
		}
		if again := Redact(got); again != got {
			t.Errorf("%q becomes %q the second time", got, again)
		}
	})
}

// visa makes a number that checks.
func visa(account uint64) string {
	digits := []byte("4000000000000000")
	for i := 14; i > 0; i-- {
		digits[i] = byte('0' + account%10)
		account /= 10
	}
	for d := byte('0'); d <= '9'; d++ {
		if digits[15] = d; luhn(digits) {
			break
		}
	}
	return string(digits)
}

// say writes each digit as a figure or a word, by the bits of how.
func say(digits string, how uint64) string {
	words := []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
	var said []string
	for i, d := range digits {
		if how>>i&1 == 1 {
			said = append(said, words[d-'0'])
		} else {
			said = append(said, string(d))
		}
	}
	return strings.Join(said, " ")
}
