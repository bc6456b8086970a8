package understand

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// The shape of all-MiniLM-L6-v2.
const (
	layers      = 6
	heads       = 12
	width       = 384
	normEpsilon = 1e-12
)

// readLayers are those whose means make a sentence's vector: the last knows best what is meant, the middle how it is said; a boundary
// over both errs less by a quarter than one over the last alone.
var readLayers = [2]int{2, layers - 1}

// vectorSize is the length of a sentence's vector: a part of length 1 for each of the layers that are read.
const vectorSize = 2 * width

// bert writes the network as an ONNX graph: BERT (Devlin et al. 2019), and the means of two of its layers over the tokens.
// The table of words, half of all weights, stays bytes, of which the rows that are looked up are unpacked.
type bert struct {
	graph
	weights weights
	missing []string
}

// wordTable is the largest of the weights: a vector for each piece of a word.
const wordTable = "unknown"

// Names of the graph's inputs and its output.
const (
	idsInput       = "ids"       // [sentence, token] of the vocabulary
	positionsInput = "positions" // [token] 0, 1, 2, ...
	maskInput      = "mask"      // [sentence, 1, 1, token] 0, or very low where a shorter sentence has no token
	shareInput     = "share"     // [sentence, 1, token] 1/n for each of its n tokens
	meansOutput    = "means"     // [sentence, 1, vectorSize]
)

// bertModel is the ONNX file of the weights.
func bertModel(w weights) ([]byte, error) {
	b := &bert{weights: w}
	b.body = make([]byte, 0, w.size())
	ids := b.input(idsInput, typeInt64, "sentences", "tokens")
	positions := b.input(positionsInput, typeInt64, "tokens")
	mask := b.input(maskInput, typeFloat, "sentences", 1, 1, "tokens")
	share := b.input(shareInput, typeFloat, "sentences", 1, "tokens")
	const root = "StatefulPartitionedCall/model/tf_bert_model/bert/"
	x := b.add(b.rows(wordTable, ids), b.rows("unknown_0", positions))
	x = b.add(x, b.rows("unknown_1", b.ints(0))) // every token is of the first sentence
	x = b.norm(x, root+"embeddings/")
	var means []string
	for i := range layers {
		x = b.layer(x, mask, fmt.Sprintf("%sencoder/layer_._%d/", root, i))
		if slices.Contains(readLayers[:], i) {
			means = append(means, b.node("MatMul", []string{share, x}))
		}
	}
	b.named(meansOutput, "Concat", means, intAttribute("axis", -1))
	b.output(meansOutput, typeFloat, "sentences", 1, vectorSize)
	if len(b.missing) > 0 {
		return nil, fmt.Errorf("understand: the model lacks %q", b.missing)
	}
	return b.model(), nil
}

// layer is attention and the feed-forward network after it, each added to what it was given and normalised.
func (b *bert) layer(x, mask, at string) string {
	attended := b.dense(b.attention(x, mask, at+"attention/self/"), at+"attention/output/dense/")
	x = b.norm(b.add(attended, x), at+"attention/output/")
	y := b.gelu(b.dense(x, at+"intermediate/dense/"))
	return b.norm(b.add(b.dense(y, at+"output/dense/"), x), at+"output/")
}

func (b *bert) attention(x, mask, at string) string {
	split := b.ints(0, 0, heads, width/heads)
	head := func(name string, order ...int64) string {
		wide := b.node("Reshape", []string{b.dense(x, at+name+"/"), split})
		return b.node("Transpose", []string{wide}, intsAttribute("perm", order...))
	}
	query, key, value := head("query", 0, 2, 1, 3), head("key", 0, 2, 3, 1), head("value", 0, 2, 1, 3)
	scores := b.node("Mul", []string{b.node("MatMul", []string{query, key}), b.float(float32(1 / math.Sqrt(width/heads)))})
	shares := b.node("Softmax", []string{b.add(scores, mask)}, intAttribute("axis", -1))
	seen := b.node("Transpose", []string{b.node("MatMul", []string{shares, value})}, intsAttribute("perm", 0, 2, 1, 3))
	return b.node("Reshape", []string{seen, b.ints(0, 0, width)})
}

// gelu is x * (1 + erf(x / sqrt 2)) / 2.
func (b *bert) gelu(x string) string {
	erf := b.node("Erf", []string{b.node("Div", []string{x, b.float(math.Sqrt2)})})
	return b.node("Mul", []string{b.node("Mul", []string{x, b.add(erf, b.float(1))}), b.float(0.5)})
}

func (b *bert) add(x, y string) string { return b.node("Add", []string{x, y}) }

func (b *bert) dense(x, at string) string {
	return b.add(b.node("MatMul", []string{x, b.weight(at + "Tensordot/ReadVariableOp")}), b.weight(at+"BiasAdd/ReadVariableOp"))
}

func (b *bert) norm(x, at string) string {
	gain, shift := b.weight(at+"LayerNorm/batchnorm/mul/ReadVariableOp"), b.weight(at+"LayerNorm/batchnorm/ReadVariableOp")
	return b.node("LayerNormalization", []string{x, gain, shift}, intAttribute("axis", -1), floatAttribute("epsilon", normEpsilon))
}

// weight is a tensor unpacked: onnxruntime would do it as well, but takes four times the memory meanwhile.
func (b *bert) weight(name string) string {
	t := b.tensor(name)
	raw := make([]byte, 0, 4*len(t.bytes))
	for _, v := range t.bytes {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(v)*t.scale+t.min))
	}
	return b.constant(typeFloat, t.shape, raw)
}

// rows looks up rows of a table and unpacks those alone.
func (b *bert) rows(name, at string) string {
	t := b.tensor(name)
	return b.unpacked(t, b.node("Gather", []string{b.constant(typeUint8, t.shape, t.bytes), at}))
}

func (b *bert) unpacked(t tensor, packed string) string {
	numbers := b.node("Cast", []string{packed}, intAttribute("to", typeFloat))
	return b.add(b.node("Mul", []string{numbers, b.float(t.scale)}), b.float(t.min))
}

func (b *bert) tensor(name string) tensor {
	t, ok := b.weights[name]
	if !ok {
		b.missing = append(b.missing, name)
	}
	return t
}
