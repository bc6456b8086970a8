package media

import (
	"hash/crc32"
	"math"
	"testing"
)

// The sums are those of what another implementation of G.722 (spandsp 0.0.6) makes of the same input: noise of three levels and a
// square wave, and then codes at random. Samples at the limit are left out: that one wraps around there.
func TestG722AgreesWithAnotherImplementationBitByBit(t *testing.T) {
	seed := uint32(1)
	random := func() uint32 { seed = seed*1664525 + 1013904223; return seed }
	pcm := make([]int16, 32000)
	for i := range pcm {
		n := int16(random() >> 16)
		switch {
		case i < 8000:
			pcm[i] = n / 64
		case i < 16000:
			pcm[i] = n / 4
		case i < 24000:
			pcm[i] = n
		case i/37&1 == 1:
			pcm[i] = 20000
		default:
			pcm[i] = -20000
		}
	}
	code, back := make([]byte, 16000), make([]int16, 32000)
	newG722().encode(code, pcm)
	newG722().decode(back, code)
	if got := crc32.ChecksumIEEE(code); got != 0x988c85fb {
		t.Errorf("encoded: sum %#x", got)
	}
	if got := crc32.ChecksumIEEE(octets(back)); got != 0x9973d887 {
		t.Errorf("decoded: sum %#x", got)
	}
	for i := range code {
		code[i] = byte(random() >> 24)
	}
	newG722().decode(back, code)
	if got := crc32.ChecksumIEEE(octets(back)); got != 0x4876a809 {
		t.Errorf("decoded of random codes: sum %#x", got)
	}
}

// octets of all samples but those at the limit.
func octets(pcm []int16) (b []byte) {
	for _, x := range pcm {
		if x == math.MaxInt16 || x == math.MinInt16 {
			x = 0
		}
		b = append(b, byte(x), byte(uint16(x)>>8))
	}
	return b
}
