package media

import "math/bits"

// The tables of ITU-T G.711: 8 bits of companded audio are 14 (mu) or 13 (A) bits of PCM, scaled to 16.
var (
	mulawPCM  = table(decodeMulaw)
	alawPCM   = table(decodeAlaw)
	mulawByte = encoderTable(encodeMulaw)
	alawByte  = encoderTable(encodeAlaw)
)

func table(decode func(byte) int16) (t [256]int16) {
	for i := range t {
		t[i] = decode(byte(i))
	}
	return t
}

// encoderTable is indexed by the upper 14 bits of a sample: G.711 does not see the others.
func encoderTable(encode func(int16) byte) *[1 << 14]byte {
	var t [1 << 14]byte
	for i := range t {
		t[i] = encode(int16(uint16(i) << 2))
	}
	return &t
}

func decodeMulaw(b byte) int16 {
	b = ^b
	t := (int(b&0x0f)<<3 + 0x84) << (b >> 4 & 7)
	if b&0x80 != 0 {
		return int16(0x84 - t)
	}
	return int16(t - 0x84)
}

func encodeMulaw(s int16) byte {
	v, sign := int(s), byte(0)
	if v < 0 {
		v, sign = -v, 0x80
	}
	v = min(v, 32635) + 0x84
	seg := bits.Len(uint(v)) - 8
	return ^(sign | byte(seg)<<4 | byte(v>>(seg+3))&0x0f)
}

func decodeAlaw(b byte) int16 {
	b ^= 0x55
	t := int(b&0x0f)<<4 + 8
	if seg := b >> 4 & 7; seg > 0 {
		t = (t + 0x100) << (seg - 1)
	}
	if b&0x80 == 0 {
		return int16(-t)
	}
	return int16(t)
}

func encodeAlaw(s int16) byte {
	v, sign := int(s)>>3, byte(0xd5)
	if v < 0 {
		v, sign = -v-1, 0x55
	}
	if v < 32 {
		return byte(v>>1) ^ sign
	}
	seg := bits.Len(uint(v)) - 5
	return (byte(seg)<<4 | byte(v>>seg)&0x0f) ^ sign
}

// law is one of the two companding laws.
type law struct {
	pcm     *[256]int16
	bytes   *[1 << 14]byte
	silence byte
}

func lawOf(c Codec) law {
	if c.Name == PCMA.Name {
		return law{&alawPCM, alawByte, 0xd5}
	}
	return law{&mulawPCM, mulawByte, 0xff}
}

// decode appends the samples of payload.
func (l law) decode(dst []int16, payload []byte) []int16 {
	for _, b := range payload {
		dst = append(dst, l.pcm[b])
	}
	return dst
}

// encode writes one byte a sample.
func (l law) encode(dst []byte, pcm []int16) {
	for i, s := range pcm {
		dst[i] = l.bytes[uint16(s)>>2]
	}
}
