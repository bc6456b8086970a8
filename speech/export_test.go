package speech

// PooledFor makes an encoding that d gives the score.
func PooledFor(d *MoodDetector, score float64) []float32 {
	var squares float64
	for _, w := range d.voice.Weights {
		squares += float64(w) * float64(w)
	}
	pooled := make([]float32, len(d.voice.Weights))
	for i, w := range d.voice.Weights {
		pooled[i] = float32((score - d.voice.Bias) * float64(w) / squares)
	}
	return pooled
}
