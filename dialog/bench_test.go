package dialog

import (
	"testing"
	"time"
)

// One turn: a sentence understood, judged and answered.
func BenchmarkTurn(b *testing.B) {
	bot, err := Load(courier)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s := bot.Start()
		s.Step(Begin{Now: time.Unix(0, 0)})
		s.Step(Heard{Text: "what are your opening hours on Saturday", Now: time.Unix(5, 0)})
	}
}
