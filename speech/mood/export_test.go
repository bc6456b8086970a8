package mood

// EncodingFor makes an encoding that d gives the score, for audio of silence.
func EncodingFor(d *Detector, score float64, pcm []int16) []float32 {
	n := len(d.voice.Weights) - prosodySize
	rest := d.voice.Bias
	for i, f := range prosody(pcm) {
		rest += float64(d.voice.Weights[n+i]) * f
	}
	var squares float64
	for _, w := range d.voice.Weights[:n] {
		squares += float64(w) * float64(w)
	}
	pooled := make([]float32, n)
	for i, w := range d.voice.Weights[:n] {
		pooled[i] = float32((score - rest) * float64(w) / squares)
	}
	return pooled
}
