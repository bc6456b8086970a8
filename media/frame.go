package media

import "time"

// The one form of audio inside the process.
const (
	SampleRate    = 16000                 // samples a second, mono, 16-bit
	FrameDuration = 20 * time.Millisecond // the period of the shared clock
	FrameSamples  = 320                   // SampleRate * FrameDuration
)

// Frame is 20 ms of mono 16-bit PCM at 16 kHz.
type Frame [FrameSamples]int16

// Heard is what one tick of the clock brought from the far end.
type Heard struct {
	Frame   Frame
	Arrived time.Time // arrival of the packet that carried it; zero when concealed or nothing came
}

// A Listener receives every frame of a stream, in order, on the clock: Hear must not block, and
// must copy what it keeps.
type Listener interface {
	Hear(*Heard)
}
