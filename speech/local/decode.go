package local

import (
	"context"
	"fmt"

	ort "github.com/yalue/onnxruntime_go"
)

// decoding is the decoder at work on one utterance. All tensors are freed by close.
type decoding struct {
	m      *Moonshine
	states ort.Value   // the encoder's output
	past   []ort.Value // by layer
	id     *ort.Tensor[int64]
	cached *ort.Tensor[bool] // false in the first step, which computes the encoder's keys and values
	logits *ort.Tensor[float32]
}

// decode chooses the likeliest token again and again until the end token, or until limit tokens are out. The context is asked
// between tokens.
func (m *Moonshine) decode(ctx context.Context, states ort.Value, limit int) ([]int64, error) {
	d, err := m.newDecoding(states)
	if err != nil {
		return nil, fmt.Errorf("local: recogniser: %w", err)
	}
	defer d.close()
	var ids []int64
	for next := int64(startID); len(ids) < limit; ids = append(ids, next) {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		next, err = d.step(next)
		if err != nil {
			return nil, fmt.Errorf("local: recogniser: decoding: %w", err)
		}
		if next == endID {
			break
		}
	}
	return ids, nil
}

func (m *Moonshine) newDecoding(states ort.Value) (*decoding, error) {
	d := &decoding{m: m, states: states, past: make([]ort.Value, len(m.layers))}
	var err error
	for i, l := range m.layers {
		if d.past[i], err = ort.NewTensor(ort.NewShape(1, l.heads, 0, l.width), []float32{}); err != nil {
			d.past[i] = nil // not an interface that holds a nil pointer
			d.close()
			return nil, err
		}
	}
	if d.id, err = ort.NewTensor(ort.NewShape(1, 1), []int64{startID}); err == nil {
		if d.cached, err = ort.NewTensor(ort.NewShape(1), []bool{false}); err == nil {
			d.logits, err = ort.NewEmptyTensor[float32](ort.NewShape(1, 1, m.decoder.out[0].Dimensions[2]))
		}
	}
	if err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// step feeds one token and returns the next.
func (d *decoding) step(id int64) (next int64, err error) {
	d.id.GetData()[0] = id
	in := make([]ort.Value, 0, len(d.past)+3)
	in = append(append(append(in, d.id, d.states), d.past...), d.cached)
	out := make([]ort.Value, len(d.past)+1)
	out[0] = d.logits
	err = d.m.decoder.session.Run(in, out)
	present := out[1:]
	if err != nil {
		destroy(present)
		return 0, err
	}
	for i, l := range d.m.layers {
		if l.encoder && d.cached.GetData()[0] {
			present[i].Destroy() // an empty stand-in: the first step's holds on
			continue
		}
		d.past[i].Destroy()
		d.past[i] = present[i]
	}
	d.cached.GetData()[0] = true
	return argmax(d.logits.GetData()), nil
}

func argmax(scores []float32) (best int64) {
	for i, s := range scores {
		if s > scores[best] {
			best = int64(i)
		}
	}
	return best
}

func (d *decoding) close() {
	destroy(d.past)
	if d.id != nil {
		d.id.Destroy()
	}
	if d.cached != nil {
		d.cached.Destroy()
	}
	if d.logits != nil {
		d.logits.Destroy()
	}
}
