package understand

import (
	"math"
	"slices"
	"testing"
	"time"
)

// judge makes sentences judged of lines: intent, taken for, score.
func judged(lines ...[3]any) []Judged {
	var all []Judged
	for i, l := range lines {
		all = append(all, Judged{Example: Example{Intent: l[0].(string)}, Best: l[1].(string), Score: l[2].(float64), Took: time.Duration(i) * time.Millisecond})
	}
	return all
}

func near(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > 1e-9 {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestFiguresCountWhatIsRightRejectedAndTakenForAnother(t *testing.T) {
	f := Measure(judged([3]any{"a", "a", 0.9}, [3]any{"a", "a", 0.4}, [3]any{"b", "a", 0.8}, [3]any{"b", "b", 0.7},
		[3]any{OutOfScope, "a", 0.6}, [3]any{OutOfScope, "b", 0.1}, [3]any{OutOfScope, "b", 0.2}), 0.5)
	near(t, "in-scope accuracy", f.InScopeAccuracy, 2.0/4)
	near(t, "never rejecting", f.NeverRejecting, 3.0/4)
	near(t, "recall", f.OOSRecall, 2.0/3)
	near(t, "precision", f.OOSPrecision, 2.0/3)
	near(t, "AUROC", f.AUROC, 11.0/12)
	if f.MedianMS != 3 {
		t.Errorf("median %v ms", f.MedianMS)
	}
	want := []Confusion{{"a", OutOfScope, 1}, {"b", "a", 1}, {OutOfScope, "a", 1}}
	if !slices.Equal(f.Confusions, want) {
		t.Errorf("confusions %v", f.Confusions)
	}
	if last := f.Curve[len(f.Curve)-1]; last.Threshold != 1 || *last.OOSRecall != 1 || *last.InScopeAccuracy != 0 {
		t.Errorf("the curve ends with %+v", last)
	}
}

func TestFiguresThatNoSentenceSpeaksOfAreNil(t *testing.T) {
	f := Measure(judged([3]any{"a", "a", 0.9}), 0.5)
	if f.OOSRecall != nil || f.OOSPrecision != nil || f.AUROC != nil {
		t.Errorf("%+v", f)
	}
}

func TestMCCIsOneWhenAllIsRightAndZeroForOneAnswerToAll(t *testing.T) {
	right := judged([3]any{"a", "a", 0.9}, [3]any{"b", "b", 0.9}, [3]any{OutOfScope, "b", 0.1})
	same := judged([3]any{"a", "a", 0.9}, [3]any{"b", "a", 0.9}, [3]any{OutOfScope, "a", 0.9})
	if m := Measure(right, 0.5).MCC; math.Abs(m-1) > 1e-9 {
		t.Errorf("all right: %v", m)
	}
	if m := Measure(same, 0.5).MCC; m != 0 {
		t.Errorf("one answer: %v", m)
	}
}

func TestEqualScoresCountHalf(t *testing.T) {
	near(t, "AUROC", Measure(judged([3]any{"a", "a", 0.5}, [3]any{OutOfScope, "a", 0.5}), 0.5).AUROC, 0.5)
}
