package understand

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	ort "github.com/yalue/onnxruntime_go"
	"gonum.org/v1/gonum/mat"
)

// inputs are the numbers that a dense boundary looks at: a sentence's vector and 1.
const inputs = vectorSize + 1

// vectorScale is what vectors are multiplied with: it sets how fast the regression learns from them.
const vectorScale = 4

// dense writes a sentence's vector as the boundary's inputs.
func dense(to, vector []float32) {
	for i, v := range vector {
		to[i] = v * vectorScale
	}
	to[vectorSize] = 1
}

// How softmax regressions learn, dense and sparse: AdaGrad (Duchi et al. 2011) whose rate falls to a twentieth, on targets of which a
// tenth is spread over all classes, so that sentences between the classes keep low scores.
const (
	rate        = 0.2
	decay       = 1e-5
	smoothing   = 0.1
	firstSquare = 1e-8
)

// rateAt is the rate of an epoch.
func rateAt(epoch, epochs int) float32 {
	return rate * (1.05 - float32(epoch)/float32(epochs))
}

// engines of training: onnxruntime multiplies matrices ten times as fast as plain Go.
type trainer struct {
	step    *ort.DynamicAdvancedSession // one step of a dense regression
	scatter *ort.DynamicAdvancedSession // sum of x'x
}

func openTrainer() (*trainer, error) {
	var t trainer
	var err1, err2 error
	t.step, err1 = stepGraph()
	t.scatter, err2 = scatterGraph()
	if err := errors.Join(err1, err2); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return &t, nil
}

func (t *trainer) close() (err error) {
	for _, s := range []*ort.DynamicAdvancedSession{t.step, t.scatter} {
		if s != nil {
			err = errors.Join(err, s.Destroy())
		}
	}
	return err
}

// stepGraph is AdaGrad for softmax regression: x and targets of a batch, weights, sums of squares, [rate, 1/batch].
func stepGraph() (*ort.DynamicAdvancedSession, error) {
	var g graph
	x, targets := g.input("x", typeFloat, "batch", inputs), g.input("targets", typeFloat, "batch", "classes")
	weights, squares := g.input("weights", typeFloat, inputs, "classes"), g.input("squares", typeFloat, inputs, "classes")
	rate, part := g.input("rate", typeFloat, 1), g.input("part", typeFloat, 1)
	op := func(name string, in ...string) string { return g.node(name, in) }
	said := g.node("Softmax", []string{op("MatMul", x, weights)}, intAttribute("axis", -1))
	across := g.node("Transpose", []string{x}, intsAttribute("perm", 1, 0))
	slope := op("Add", op("Mul", op("MatMul", across, op("Sub", said, targets)), part), op("Mul", weights, g.float(decay)))
	g.named("squares_after", "Add", []string{squares, op("Mul", slope, slope)})
	g.named("weights_after", "Sub", []string{weights, op("Div", op("Mul", slope, rate), op("Sqrt", "squares_after"))})
	g.output("weights_after", typeFloat, inputs, "classes")
	g.output("squares_after", typeFloat, inputs, "classes")
	return newSession(g.model(), []string{"x", "targets", "weights", "squares", "rate", "part"}, []string{"weights_after", "squares_after"})
}

func scatterGraph() (*ort.DynamicAdvancedSession, error) {
	var g graph
	x := g.input("x", typeFloat, "batch", inputs)
	g.named("scatter", "MatMul", []string{g.node("Transpose", []string{x}, intsAttribute("perm", 1, 0)), x})
	g.output("scatter", typeFloat, inputs, inputs)
	return newSession(g.model(), []string{"x"}, []string{"scatter"})
}

// tensors makes tensors of slices and frees them all.
type tensors struct {
	all []ort.Value
	err error
}

func (t *tensors) of(data []float32, shape ...int64) ort.Value {
	v, err := ort.NewTensor(ort.NewShape(shape...), data)
	if err != nil {
		t.err = errors.Join(t.err, err)
		return nil
	}
	t.all = append(t.all, v)
	return v
}

func (t *tensors) free() {
	for _, v := range t.all {
		v.Destroy()
	}
}

const denseBatch = 128

// regression fits a softmax regression over vectors to their classes and returns its weights, [inputs][classes].
func (t *trainer) regression(ctx context.Context, x [][]float32, of []int, classes int, random *rand.Rand, progress func(examples int)) ([]float32, error) {
	batch := min(denseBatch, len(x))
	epochs := min(max(150000/len(x), 12), 60)
	size := inputs * classes
	var w, sq [2][]float32
	var values tensors
	defer values.free()
	var wv, sv [2]ort.Value
	for i := range 2 {
		w[i], sq[i] = make([]float32, size), make([]float32, size)
		wv[i], sv[i] = values.of(w[i], inputs, int64(classes)), values.of(sq[i], inputs, int64(classes))
	}
	for i := range sq[0] {
		sq[0][i] = firstSquare
	}
	xs, targets, speed, part := make([]float32, batch*inputs), make([]float32, batch*classes), make([]float32, 1), []float32{1 / float32(batch)}
	in := []ort.Value{values.of(xs, int64(batch), inputs), values.of(targets, int64(batch), int64(classes)), nil, nil, values.of(speed, 1), values.of(part, 1)}
	if values.err != nil {
		return nil, fmt.Errorf("understand: learning: %w", values.err)
	}
	now := 0
	for epoch := range epochs {
		speed[0] = rateAt(epoch, epochs)
		order := random.Perm(len(x))
		for ; len(order) >= batch; order = order[batch:] {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			for row, i := range order[:batch] {
				dense(xs[row*inputs:], x[i])
				target(targets[row*classes:(row+1)*classes], of[i])
			}
			in[2], in[3] = wv[now], sv[now]
			if err := t.step.Run(in, []ort.Value{wv[1-now], sv[1-now]}); err != nil {
				return nil, fmt.Errorf("understand: learning: %w", err)
			}
			now = 1 - now
		}
		progress(len(x) / epochs)
	}
	return w[now], nil
}

// target writes what a regression should say of a class.
func target(to []float32, class int) {
	for c := range to {
		to[c] = smoothing / float32(len(to))
	}
	to[class] += 1 - smoothing
}

// shrinkage draws the shared covariance to that of a ball: with few examples little is known of its directions.
const shrinkage = 0.5

// leastSpread stands for the covariance where classes have one example each.
const leastSpread = 1e-4

// discriminant is linear discriminant analysis (Fisher 1936): how near x is to the mean of each class, by the covariance that all share.
// It knows nothing of what lies between the classes, and so is high only near them. Returns weights, [inputs][classes].
func (t *trainer) discriminant(x [][]float32, of []int, classes int) ([]float32, error) {
	const d = vectorSize
	scatter, err := t.sum(x)
	if err != nil {
		return nil, err
	}
	means, count := mat.NewDense(d, classes, nil), make([]float64, classes)
	for i, c := range of {
		count[c]++
		for k, v := range x[i] {
			means.Set(k, c, means.At(k, c)+vectorScale*float64(v))
		}
	}
	for c, n := range count {
		for k := range d {
			means.Set(k, c, means.At(k, c)/max(n, 1))
		}
	}
	covariance, trace := mat.NewSymDense(d, nil), 0.0
	weighted := mat.DenseCopyOf(means)
	for c, n := range count {
		for k := range d {
			weighted.Set(k, c, means.At(k, c)*n)
		}
	}
	var between mat.Dense
	between.Mul(weighted, means.T())
	for i := range d {
		for j := range i + 1 {
			covariance.SetSym(i, j, (scatter[i*inputs+j]-between.At(i, j))/float64(len(x)))
		}
		trace += covariance.At(i, i)
	}
	covariance.ScaleSym(1-shrinkage, covariance)
	for i := range d {
		covariance.SetSym(i, i, covariance.At(i, i)+shrinkage*trace/d+leastSpread)
	}
	var root mat.Cholesky
	if !root.Factorize(covariance) {
		return nil, errors.New("understand: the examples have no covariance")
	}
	var solved mat.Dense
	if err := root.SolveTo(&solved, means); err != nil {
		return nil, fmt.Errorf("understand: learning: %w", err)
	}
	weights := make([]float32, inputs*classes)
	for c := range classes {
		bias := 0.0
		for k := range d {
			weights[k*classes+c] = float32(solved.At(k, c))
			bias -= solved.At(k, c) * means.At(k, c) / 2
		}
		weights[d*classes+c] = float32(bias)
	}
	return weights, nil
}

// sum is the sum of x'x over the inputs that vectors make, [inputs][inputs].
func (t *trainer) sum(x [][]float32) ([]float64, error) {
	const most = 1024
	total := make([]float64, inputs*inputs)
	rows, out := make([]float32, min(most, len(x))*inputs), make([]float32, inputs*inputs)
	for len(x) > 0 {
		n := min(most, len(x))
		for row := range n {
			dense(rows[row*inputs:], x[row])
		}
		x = x[n:]
		var values tensors
		in, result := values.of(rows[:n*inputs], int64(n), inputs), values.of(out, inputs, inputs)
		err := values.err
		if err == nil {
			err = t.scatter.Run([]ort.Value{in}, []ort.Value{result})
		}
		values.free()
		if err != nil {
			return nil, fmt.Errorf("understand: learning: %w", err)
		}
		for i, v := range out {
			total[i] += float64(v)
		}
	}
	return total, nil
}
