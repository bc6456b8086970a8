package speech

// Expect says what the talk waits for, so that a dictated number gets time and a "yes" gets none. The values are those of
// dialog.Expect, which this package does not import.
type Expect string

const (
	ExpectAny    Expect = "any"
	ExpectYesNo  Expect = "yes or no"
	ExpectDigits Expect = "digits"
	ExpectDate   Expect = "date"
)
