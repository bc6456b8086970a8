package understand

import (
	"encoding/json"
	"fmt"
	"os"
)

// tensor is a weight of the model: bytes that mean byte*scale + min.
type tensor struct {
	shape []int64
	bytes []byte
	scale float32
	min   float32
}

// weights are the tensors of a TensorFlow.js graph model of one shard, by name.
type weights map[string]tensor

// readWeights reads the manifest and the shard it speaks of. Only the weights that are numbers of the network are kept.
func readWeights(manifest, shard string) (weights, error) {
	data, err := os.ReadFile(manifest)
	if err != nil {
		return nil, fmt.Errorf("understand: the model: %w", err)
	}
	var file struct {
		WeightsManifest []struct {
			Weights []struct {
				Name         string  `json:"name"`
				Shape        []int64 `json:"shape"`
				Dtype        string  `json:"dtype"`
				Quantization struct {
					Dtype string  `json:"dtype"`
					Scale float32 `json:"scale"`
					Min   float32 `json:"min"`
				} `json:"quantization"`
			} `json:"weights"`
		} `json:"weightsManifest"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("understand: %s: %w", manifest, err)
	}
	rest, err := os.ReadFile(shard)
	if err != nil {
		return nil, fmt.Errorf("understand: the model: %w", err)
	}
	found := weights{}
	for _, group := range file.WeightsManifest {
		for _, w := range group.Weights {
			size := int64(1)
			for _, n := range w.Shape {
				size *= n
			}
			quantised := w.Quantization.Dtype == "uint8"
			if !quantised {
				size *= 4
			}
			if size < 0 || size > int64(len(rest)) {
				return nil, fmt.Errorf("understand: %s ends within %s", shard, w.Name)
			}
			if quantised {
				found[w.Name] = tensor{w.Shape, rest[:size], w.Quantization.Scale, w.Quantization.Min}
			}
			rest = rest[size:]
		}
	}
	return found, nil
}

// size is how many bytes a graph of the weights has, at most.
func (w weights) size() int {
	const graph = 1 << 20
	n := graph
	for name, t := range w {
		if name == wordTable {
			n += len(t.bytes)
		} else {
			n += 4 * len(t.bytes)
		}
	}
	return n
}
