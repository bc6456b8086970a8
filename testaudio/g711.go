package testaudio

import "math/bits"

// Law is one of the two companding laws of G.711.
type Law string

const (
	MuLaw Law = "mu-law" // PCMU: North America, Japan
	ALaw  Law = "A-law"  // PCMA: elsewhere
)

// telephoneRate is that of G.711, in Hz.
const telephoneRate = 8000

// Telephone returns what a telephone line leaves of pcm: 8 kHz, companded to 8 bits, and back.
func Telephone(pcm []int16, law Law) []int16 {
	compress, expand := compressMuLaw, expandMuLaw
	if law == ALaw {
		compress, expand = compressALaw, expandALaw
	}
	narrow := Resample(pcm, 16000, telephoneRate)
	for i, s := range narrow {
		narrow[i] = expand(compress(s))
	}
	wide := Resample(narrow, telephoneRate, 16000)
	return wide[:min(len(wide), len(pcm))]
}

// muBias makes the segments of mu-law powers of two (G.711, table 2a, in 16-bit steps).
const muBias = 132

func compressMuLaw(s int16) byte {
	sign, v := byte(0), int(s)
	if v < 0 {
		sign, v = 0x80, -v
	}
	v = min(v, 32635) + muBias
	segment := bits.Len(uint(v)) - 8 // 0 to 7
	step := byte(v>>(segment+3)) & 0x0f
	return ^(sign | byte(segment)<<4 | step)
}

func expandMuLaw(b byte) int16 {
	b = ^b
	v := (int(b&0x0f)<<3+muBias)<<(b>>4&7) - muBias
	if b&0x80 != 0 {
		v = -v
	}
	return int16(v)
}

func compressALaw(s int16) byte {
	sign, v := byte(0x80), int(s)
	if v < 0 {
		sign, v = 0, -v-1
	}
	segment := max(0, bits.Len(uint(v))-8)
	shift := max(4, segment+3)
	return (sign | byte(segment)<<4 | byte(v>>shift)&0x0f) ^ 0x55 // even bits are inverted on the line
}

func expandALaw(b byte) int16 {
	b ^= 0x55
	segment := b >> 4 & 7
	v := int(b&0x0f)<<4 + 8
	if segment > 0 {
		v = (v + 0x100) << (segment - 1)
	}
	if b&0x80 == 0 {
		v = -v
	}
	return int16(v)
}
