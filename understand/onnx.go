package understand

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Element types of a TensorProto (onnx.proto).
const (
	typeFloat = 1
	typeUint8 = 2
	typeInt64 = 7
)

// graph writes an ONNX model: the messages of onnx.proto, field by field.
type graph struct {
	body   []byte // the GraphProto so far
	serial int
}

// message appends a field that is a message, a string or bytes.
func message(b []byte, field protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), value)
}

// number appends a field that is an integer.
func number(b []byte, field protowire.Number, value int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(value))
}

// attribute of a node, an AttributeProto.
type attribute []byte

func intAttribute(name string, value int64) attribute {
	return number(number(message(nil, 1, []byte(name)), 3, value), 20, 2) // i; type INT
}

func floatAttribute(name string, value float32) attribute {
	b := protowire.AppendTag(message(nil, 1, []byte(name)), 2, protowire.Fixed32Type)
	return number(protowire.AppendFixed32(b, math.Float32bits(value)), 20, 1) // f; type FLOAT
}

func intsAttribute(name string, values ...int64) attribute {
	b := message(nil, 1, []byte(name))
	for _, v := range values {
		b = number(b, 8, v)
	}
	return number(b, 20, 7) // ints; type INTS
}

// name is one that nothing in the graph has yet.
func (g *graph) name(of string) string {
	g.serial++
	return fmt.Sprintf("%s_%d", of, g.serial)
}

// node appends an operation (NodeProto) and returns the name of its result.
func (g *graph) node(operation string, inputs []string, attributes ...attribute) string {
	out := g.name(operation)
	g.named(out, operation, inputs, attributes...)
	return out
}

// named is node for a result whose name is given.
func (g *graph) named(out, operation string, inputs []string, attributes ...attribute) {
	var b []byte
	for _, in := range inputs {
		b = message(b, 1, []byte(in))
	}
	b = message(b, 2, []byte(out))
	b = message(b, 4, []byte(operation))
	for _, a := range attributes {
		b = message(b, 5, a)
	}
	g.body = message(g.body, 1, b)
}

// constant appends a tensor (TensorProto) and returns its name.
func (g *graph) constant(elements int64, shape []int64, raw []byte) string {
	name := g.name("constant")
	var b []byte
	for _, n := range shape {
		b = number(b, 1, n)
	}
	b = number(b, 2, elements)
	b = message(b, 8, []byte(name))
	b = protowire.AppendTag(b, 9, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(raw)))
	g.body = protowire.AppendTag(g.body, 5, protowire.BytesType)
	g.body = protowire.AppendVarint(g.body, uint64(len(b)+len(raw)))
	g.body = append(append(g.body, b...), raw...) // raw is large: copied once
	return name
}

func (g *graph) float(value float32) string {
	return g.constant(typeFloat, nil, binary.LittleEndian.AppendUint32(nil, math.Float32bits(value)))
}

func (g *graph) ints(values ...int64) string {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return g.constant(typeInt64, []int64{int64(len(values))}, raw)
}

// input and output declare what goes in and comes out (ValueInfoProto), with a name for each dimension that varies and its
// size, as a number, for each that does not.
func (g *graph) input(name string, elements int64, dimensions ...any) string {
	g.body = message(g.body, 11, valueInfo(name, elements, dimensions))
	return name
}

func (g *graph) output(name string, elements int64, dimensions ...any) {
	g.body = message(g.body, 12, valueInfo(name, elements, dimensions))
}

func valueInfo(name string, elements int64, dimensions []any) []byte {
	var shape []byte
	for _, d := range dimensions {
		var dimension []byte
		switch d := d.(type) {
		case int:
			dimension = number(nil, 1, int64(d))
		case string:
			dimension = message(nil, 2, []byte(d))
		}
		shape = message(shape, 1, dimension)
	}
	tensorType := message(number(nil, 1, elements), 2, shape)
	return message(message(nil, 1, []byte(name)), 2, message(nil, 1, tensorType))
}

// model is the whole file (ModelProto): IR version 8, operators of version 17.
func (g *graph) model() []byte {
	const frame = 64 // bytes around the graph, at most
	name := message(nil, 2, []byte("sentence"))
	b := make([]byte, 0, len(g.body)+frame)
	b = number(b, 1, 8)
	b = protowire.AppendTag(b, 7, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(g.body)+len(name)))
	b = append(append(b, g.body...), name...)
	return message(b, 8, number(nil, 2, 17))
}
