package media

// ITU-T G.722 at 64 kbit/s: two bands of 8 kHz, each with its own ADPCM, 6 bits for the lower and 2 for the upper. Names of blocks
// and tables are those of the recommendation, section 6.

// Tables of G.722; never changed.
var (
	g722QMF = [12]int32{3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11} // table 11
	g722WL  = [8]int32{-60, -30, 58, 172, 334, 538, 1198, 3042}
	g722RL4 = [16]int32{0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0}
	g722ILB = [32]int32{2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
		2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008}
	g722WH  = [3]int32{0, -214, 798}
	g722RH2 = [4]int32{2, 1, 2, 1}
	g722QM2 = [4]int32{-7408, -1616, 7408, 1616}
	g722QM4 = [16]int32{0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0}
	g722QM6 = [64]int32{-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360,
		-8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040,
		-728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456, 4944,
		4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136}
	g722Q6 = [30]int32{0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121,
		1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919}
	g722ILN = [31]uint8{0, 63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8,
		7, 6, 5, 4}
	g722ILP = [31]uint8{0, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36,
		35, 34, 33, 32}
)

// g722Band is the adaptive quantiser and predictor of one band: encoder and decoder keep the same.
type g722Band struct {
	s, sp, sz int32
	r, p      [3]int32
	a         [3]int32
	b, d      [7]int32
	nb, det   int32
}

// g722State is one direction of a stream.
type g722State struct {
	lower, upper g722Band
	x            [24]int32 // history of the filters
}

func newG722() *g722State {
	g := &g722State{}
	g.lower.det, g.upper.det = 32, 8
	return g
}

// g722Silence is 20 ms of silence, as an encoder makes it after a while, to be sent again and again.
func g722Silence() []byte {
	g, code := newG722(), make([]byte, FrameSamples/2)
	for range 10 {
		g.encode(code, make([]int16, FrameSamples))
	}
	return code
}

// g722Silent is where both sides are when that has been sent for long. It is far from where they begin: predictors that have nothing
// to learn from walk to their limits.
var g722Silent = func() g722State {
	g, silence := newG722(), g722Silence()
	for range 50 {
		g.decode(make([]int16, FrameSamples), silence)
	}
	g.x = [24]int32{}
	return *g
}()

func (g *g722State) settle() { *g = g722Silent }

func (g *g722State) conceal([]int16, []byte) int { return 0 }

// encode makes one octet of each two samples.
func (g *g722State) encode(out []byte, pcm []int16) int {
	for n := 0; n+1 < len(pcm); n += 2 {
		copy(g.x[:], g.x[2:])
		g.x[22], g.x[23] = int32(pcm[n]), int32(pcm[n+1])
		odd, even := g.filter()
		low, high := (even+odd)>>14, (even-odd)>>14
		out[n/2] = g.lower.quantise6(low) | g.upper.quantise2(high)<<6
	}
	return len(pcm) / 2
}

// decode makes two samples of each octet.
func (g *g722State) decode(pcm []int16, codes []byte) int {
	for n, code := range codes {
		low := g.lower.reconstruct6(code & 63)
		high := g.upper.reconstruct2(code >> 6)
		copy(g.x[:], g.x[2:])
		g.x[22], g.x[23] = low+high, low-high
		odd, even := g.filter()
		pcm[2*n], pcm[2*n+1] = int16(limit16(even>>11)), int16(limit16(odd>>11))
	}
	return 2 * len(codes)
}

func (g *g722State) filter() (odd, even int32) {
	for i, c := range g722QMF {
		odd += g.x[2*i] * c
		even += g.x[2*i+1] * g722QMF[11-i]
	}
	return odd, even
}

// quantise6 is QUANTL and what follows it in the lower band.
func (b *g722Band) quantise6(x int32) uint8 {
	e := limit16(x - b.s)
	size := e
	if e < 0 {
		size = ^e
	}
	i := 1
	for i < 30 && size >= g722Q6[i]*b.det>>12 {
		i++
	}
	code := g722ILP[i]
	if e < 0 {
		code = g722ILN[i]
	}
	b.adapt6(code)
	return code
}

// reconstruct6 is the sample of the lower band.
func (b *g722Band) reconstruct6(code uint8) int32 {
	x := min(max(b.s+b.det*g722QM6[code]>>15, -16384), 16383)
	b.adapt6(code)
	return x
}

// adapt6 is INVQAL, LOGSCL and SCALEL, then the predictor. The predictor uses the upper four bits only.
func (b *g722Band) adapt6(code uint8) {
	i := code >> 2
	d := b.det * g722QM4[i] >> 15
	b.scale(g722WL[g722RL4[i]], 18432, 8)
	b.predict(d)
}

// quantise2 is QUANTH and what follows it in the upper band.
func (b *g722Band) quantise2(x int32) uint8 {
	e := limit16(x - b.s)
	code, size := uint8(3), e
	if e < 0 {
		code, size = 1, ^e
	}
	if size >= 564*b.det>>12 {
		code--
	}
	b.adapt2(code)
	return code
}

// reconstruct2 is the sample of the upper band.
func (b *g722Band) reconstruct2(code uint8) int32 {
	s := b.s
	return min(max(s+b.adapt2(code), -16384), 16383)
}

// adapt2 is INVQAH, LOGSCH and SCALEH, then the predictor.
func (b *g722Band) adapt2(code uint8) (d int32) {
	d = b.det * g722QM2[code] >> 15
	b.scale(g722WH[g722RH2[code]], 22528, 10)
	b.predict(d)
	return d
}

// scale is LOGSCx and SCALEx: the logarithm of the step moves, with leakage.
func (b *g722Band) scale(by, most, shift int32) {
	b.nb = min(max(b.nb*127>>7+by, 0), most)
	step := g722ILB[b.nb>>6&31]
	if n := shift - b.nb>>11; n < 0 {
		b.det = step << -n << 2
	} else {
		b.det = step >> n << 2
	}
}

// predict is block 4: the pole and zero predictors learn from the quantised difference d and predict the next sample.
func (b *g722Band) predict(d int32) {
	b.d[0] = d
	b.r[0] = limit16(b.s + d)
	b.p[0] = limit16(b.sz + d)
	a1, a2 := b.poles()
	b.zeros()
	copy(b.d[1:], b.d[:6])
	b.r[2], b.r[1] = b.r[1], b.r[0]
	b.p[2], b.p[1] = b.p[1], b.p[0]
	b.a[1], b.a[2] = a1, a2
	b.sp = limit16(b.a[1]*limit16(2*b.r[1])>>15 + b.a[2]*limit16(2*b.r[2])>>15)
	sz := int32(0)
	for i := 6; i > 0; i-- {
		sz += b.b[i] * limit16(2*b.d[i]) >> 15
	}
	b.sz = limit16(sz)
	b.s = limit16(b.sp + b.sz)
}

// poles is UPPOL2 and UPPOL1.
func (b *g722Band) poles() (a1, a2 int32) {
	same01, same02 := (b.p[0]^b.p[1]) >= 0, (b.p[0]^b.p[2]) >= 0
	w := limit16(b.a[1] << 2)
	if same01 {
		w = min(-w, 32767)
	}
	a2 = w>>7 + b.a[2]*32512>>15
	if same02 {
		a2 += 128
	} else {
		a2 -= 128
	}
	a2 = min(max(a2, -12288), 12288)
	a1 = b.a[1] * 32640 >> 15
	if same01 {
		a1 += 192
	} else {
		a1 -= 192
	}
	most := limit16(15360 - a2)
	return min(max(limit16(a1), -most), most), a2
}

// zeros is UPZERO.
func (b *g722Band) zeros() {
	step := int32(128)
	if b.d[0] == 0 {
		step = 0
	}
	for i := 1; i < 7; i++ {
		by := step
		if (b.d[0] ^ b.d[i]) < 0 {
			by = -step
		}
		b.b[i] = limit16(by + b.b[i]*32640>>15)
	}
}

func limit16(x int32) int32 { return min(max(x, -32768), 32767) }
