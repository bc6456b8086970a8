package records

import (
	"fmt"
	"testing"
)

func BenchmarkSave(b *testing.B) {
	s, err := Open(b.TempDir() + "/ivr.db")
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	c := full("x", t0)
	for len(c.Turns) < 20 {
		c.Turns = append(c.Turns, c.Turns[:2]...)
	}
	for i := 0; b.Loop(); i++ {
		c.ID = fmt.Sprint(i)
		if err := s.Save(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}
