package media

import (
	"bytes"
	"math/bits"
)

// law is one of the two companding laws of G.711. Both directions are tables.
type law struct {
	linear [256]int16     // by code
	code   [1 << 14]uint8 // by the upper 14 bits of a sample
	format *format
}

// The two laws; never changed.
var (
	muLaw = newLaw(0, muLinear, muCode)
	aLaw  = newLaw(1, aLinear, aCode)
)

func newLaw(index int, linear func(uint8) int16, code func(int16) uint8) *law {
	l := &law{}
	for i := range l.linear {
		l.linear[i] = linear(uint8(i))
	}
	for i := range l.code {
		l.code[i] = code(int16(uint16(i) << 2))
	}
	l.format = &format{
		index: index, clock: narrowRate, rate: narrowRate, quiet: bytes.Repeat([]byte{code(0)}, narrowSamples),
		newDecoder: func() decoder { return l },
		newEncoder: func() encoder { return l },
		span:       func(payload []byte) int { return len(payload) },
	}
	return l
}

func (l *law) decode(pcm []int16, codes []byte) int {
	pcm = pcm[:len(codes)]
	for i, c := range codes {
		pcm[i] = l.linear[c]
	}
	return len(codes)
}

func (l *law) encode(codes []byte, pcm []int16) int {
	codes = codes[:len(pcm)]
	for i, x := range pcm {
		codes[i] = l.code[uint16(x)>>2]
	}
	return len(pcm)
}

func (l *law) conceal([]int16, []byte) int { return 0 }

func (l *law) settle() {}

// muCode is G.711, table 2a: 14 bits, sign and magnitude, magnitude biased by 33, eight segments of 16 steps, all bits inverted.
func muCode(x int16) uint8 {
	sign, m := uint8(0), uint16(x)>>2
	if x < 0 {
		sign, m = 0x80, ^uint16(x)>>2
	}
	m = min(m+33, 8191)
	segment := uint8(bits.Len16(m)) - 6
	return ^(sign | segment<<4 | uint8(m>>(segment+1))&0x0f)
}

func muLinear(c uint8) int16 {
	c = ^c
	m := (int16(c&0x0f)<<3+132)<<(c>>4&7) - 132
	if c&0x80 != 0 {
		return -m
	}
	return m
}

// aCode is G.711, table 1a: 13 bits, sign and magnitude, eight segments of 16 steps of which the lowest two are alike, even
// bits inverted.
func aCode(x int16) uint8 {
	sign, m := uint8(0x80), uint16(x)>>4
	if x < 0 {
		sign, m = 0, ^uint16(x)>>4
	}
	segment := uint8(0)
	if m > 15 {
		segment = uint8(bits.Len16(m)) - 4
		m >>= segment - 1
	}
	return (sign | segment<<4 | uint8(m)&0x0f) ^ 0x55
}

func aLinear(c uint8) int16 {
	c ^= 0x55
	m := int16(c&0x0f)<<4 + 8
	if segment := c >> 4 & 7; segment > 0 {
		m = (m + 256) << (segment - 1)
	}
	if c&0x80 == 0 {
		return -m
	}
	return m
}
