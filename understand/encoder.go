package understand

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"slices"

	ort "github.com/yalue/onnxruntime_go"
	"golang.org/x/sync/errgroup"

	"ivr/speech/local"
	"ivr/speech/models"
)

// modelName is the folder of the model among the models, and stands for it in what is kept on disk.
const modelName = "minilm"

// encoder turns sentences into vectors that point the same way when the sentences mean the same. It is safe for
// concurrent use.
type encoder struct {
	words   *wordpiece
	session *ort.DynamicAdvancedSession
	hash    string // of the model's file
}

// openEncoder loads the model.
func openEncoder(set *models.Set) (*encoder, error) {
	if err := local.StartRuntime(); err != nil {
		return nil, err
	}
	words, err := readWordpiece(set.Path(modelName + "/tokenizer.json"))
	if err != nil {
		return nil, err
	}
	w, err := readWeights(set.Path(modelName+"/model.json"), set.Path(modelName+"/group1-shard1of1.bin"))
	if err != nil {
		return nil, err
	}
	file, err := bertModel(w)
	if err != nil {
		return nil, err
	}
	w = nil
	debug.FreeOSMemory() // what is loaded next is as large again
	session, err := newSession(file, []string{idsInput, positionsInput, maskInput, shareInput}, []string{meansOutput})
	giveBack()
	if err != nil {
		return nil, err
	}
	return &encoder{words: words, session: session, hash: fmt.Sprintf("%x", sha256.Sum256(file))}, nil
}

// newSession loads a graph that uses one thread and gives back what memory it took for a run.
func newSession(file []byte, in, out []string) (*ort.DynamicAdvancedSession, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("understand: %w", err)
	}
	defer options.Destroy()
	if err := errors.Join(options.SetIntraOpNumThreads(1), options.SetInterOpNumThreads(1), options.SetCpuMemArena(false)); err != nil {
		return nil, fmt.Errorf("understand: %w", err)
	}
	session, err := ort.NewDynamicAdvancedSessionWithONNXData(file, in, out, options)
	if err != nil {
		return nil, fmt.Errorf("understand: loading the model: %w", err)
	}
	return session, nil
}

func (e *encoder) close() error { return e.session.Destroy() }

// batchTokens is how many tokens are encoded at once: more is no faster, and takes memory.
const batchTokens = 256

// encode returns the vectors of sentences, using all cores. progress, unless nil, hears how many more are done,
// from several goroutines.
func (e *encoder) encode(ctx context.Context, sentences []string, progress func(more int)) ([][]float32, error) {
	tokens := make([][]int64, len(sentences))
	order := make([]int, len(sentences)) // by length: little is padded
	for i, sentence := range sentences {
		tokens[i], order[i] = e.words.tokens(sentence), i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(len(tokens[a]), len(tokens[b])) })
	out := make([][]float32, len(sentences))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for len(order) > 0 {
		n := 1
		for n < len(order) && (n+1)*len(tokens[order[n]]) <= batchTokens {
			n++
		}
		batch := order[:n]
		order = order[n:]
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := e.batch(tokens, batch, out)
			if progress != nil {
				progress(len(batch))
			}
			return err
		})
	}
	err := group.Wait()
	return out, err
}

// batch encodes the sentences that batch lists, the last of which is the longest.
func (e *encoder) batch(tokens [][]int64, batch []int, out [][]float32) error {
	rows, columns := len(batch), len(tokens[batch[len(batch)-1]])
	ids, positions := make([]int64, rows*columns), make([]int64, columns)
	mask, share := make([]float32, rows*columns), make([]float32, rows*columns)
	for t := range positions {
		positions[t] = int64(t)
	}
	for row, i := range batch {
		at := row * columns
		copy(ids[at:], tokens[i])
		for t := range columns {
			if t < len(tokens[i]) {
				share[at+t] = 1 / float32(len(tokens[i]))
			} else {
				mask[at+t] = -10000
			}
		}
	}
	means := make([]float32, rows*vectorSize)
	if err := e.run(int64(rows), int64(columns), ids, positions, mask, share, means); err != nil {
		return fmt.Errorf("understand: encoding: %w", err)
	}
	for row, i := range batch {
		for at := row * vectorSize; at < (row+1)*vectorSize; at += width {
			unit(means[at : at+width])
		}
		out[i] = means[row*vectorSize : (row+1)*vectorSize]
	}
	return nil
}

func (e *encoder) run(rows, columns int64, ids, positions []int64, mask, share, means []float32) error {
	a, err1 := ort.NewTensor(ort.NewShape(rows, columns), ids)
	b, err2 := ort.NewTensor(ort.NewShape(columns), positions)
	c, err3 := ort.NewTensor(ort.NewShape(rows, 1, 1, columns), mask)
	d, err4 := ort.NewTensor(ort.NewShape(rows, 1, columns), share)
	out, err5 := ort.NewTensor(ort.NewShape(rows, 1, vectorSize), means)
	err := errors.Join(err1, err2, err3, err4, err5)
	in := []ort.Value{a, b, c, d}
	if err == nil {
		err = e.session.Run(in, []ort.Value{out})
	}
	return errors.Join(err, a.Destroy(), b.Destroy(), c.Destroy(), d.Destroy(), out.Destroy())
}

// unit scales a vector to length 1.
func unit(v []float32) {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	length := float32(max(math.Sqrt(sum), 1e-12))
	for i := range v {
		v[i] /= length
	}
}
