package media

import (
	"hash/crc32"
	"testing"
)

// The sums are those of the same tables made by another implementation of G.711 (the one in the Python standard library).
func TestG711AgreesWithAnotherImplementation(t *testing.T) {
	for name, c := range map[string]struct {
		law             *law
		linear, encoded uint32
	}{
		"mu-law": {muLaw, 0x0c847a9f, 0x542f2ac0},
		"A-law":  {aLaw, 0x9d764657, 0xca4a8ab4},
	} {
		var linear, encoded []byte
		for code := range 256 {
			x := c.law.linear[code]
			linear = append(linear, byte(x), byte(uint16(x)>>8))
		}
		for x := range 32768 {
			var code [2]byte
			c.law.encode(code[:], []int16{int16(x), ^int16(x)})
			if code[0]^code[1] != 0x80 {
				t.Fatalf("%s: %d and its opposite are %#x", name, x, code)
			}
			encoded = append(encoded, code[0])
		}
		if got := crc32.ChecksumIEEE(linear); got != c.linear {
			t.Errorf("%s: sum of decoded codes %#x, want %#x", name, got, c.linear)
		}
		if got := crc32.ChecksumIEEE(encoded); got != c.encoded {
			t.Errorf("%s: sum of encoded samples %#x, want %#x", name, got, c.encoded)
		}
	}
}

// What lets bridged legs of one law pass bit by bit.
func TestADecodedCodeEncodesToItself(t *testing.T) {
	for name, l := range map[string]*law{"mu-law": muLaw, "A-law": aLaw} {
		for code := range 256 {
			var again [1]byte
			l.encode(again[:], l.linear[code:code+1])
			if again[0] != byte(code) && l.linear[again[0]] != l.linear[code] {
				t.Errorf("%s: code %#x becomes %#x", name, code, again[0])
			}
		}
	}
}
