package strict

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// tooMany bounds what aliases can blow a small file up to.
const tooMany = 200_000

// Decode fills out, a pointer to a struct, with what the file says. What it finds wrong waits in [File.Err].
func (f *File) Decode(out any) {
	if f.root == nil {
		return
	}
	d := &decoder{File: f}
	d.value(f.root, "", reflect.ValueOf(out).Elem())
}

type decoder struct {
	*File
	visited int
	depth   int
}

func (d *decoder) wrong(node *yaml.Node, path, what, instead string) {
	if path != "" {
		what = path + ": " + what
	}
	d.add(node.Line, what, instead)
}

// value decodes node into v and remembers where path is. A pointer is never nil afterwards, whatever the node is.
func (d *decoder) value(node *yaml.Node, path string, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	d.visited++
	d.depth++
	defer func() { d.depth-- }()
	if d.visited >= tooMany || d.depth > 100 {
		if d.visited == tooMany || d.depth == 101 {
			d.wrong(node, path, "the file is nested too deep or repeats itself too often", "")
			d.visited = tooMany
		}
		return
	}
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if path != "" {
		if _, known := d.lines[path]; !known {
			d.lines[path] = node.Line
		}
	}
	if text, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if d.scalar(node, path, "a text") {
			if err := text.UnmarshalText([]byte(node.Value)); err != nil {
				d.wrong(node, path, err.Error(), "")
			}
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(node, path, v)
	case reflect.Map:
		d.mapping(node, path, v)
	case reflect.Slice:
		d.list(node, path, v)
	default:
		d.basic(node, path, v)
	}
}

func (d *decoder) structure(node *yaml.Node, path string, v reflect.Value) {
	fields, line := fieldsOf(v)
	if line.IsValid() {
		line.SetInt(int64(node.Line))
	}
	d.eachKey(node, path, func(key *yaml.Node, at string, value *yaml.Node) {
		field, ok := fields[key.Value]
		if !ok {
			d.wrong(key, path, fmt.Sprintf("unknown key %q", key.Value), instead(key.Value, keysOf(fields)))
			return
		}
		d.value(value, at, field)
	})
}

func (d *decoder) mapping(node *yaml.Node, path string, v reflect.Value) {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	d.eachKey(node, path, func(key *yaml.Node, at string, value *yaml.Node) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(value, at, item)
		v.SetMapIndex(reflect.ValueOf(key.Value).Convert(v.Type().Key()), item)
	})
}

// eachKey walks a mapping; a key given twice is a mistake and the first counts. Nothing written is an empty mapping.
func (d *decoder) eachKey(node *yaml.Node, path string, do func(key *yaml.Node, at string, value *yaml.Node)) {
	if null(node) {
		return
	}
	if node.Kind != yaml.MappingNode {
		d.wrong(node, path, "want keys with values, got "+words(node), "")
		return
	}
	first := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if key.Kind != yaml.ScalarNode {
			d.wrong(key, path, "want a word for a key, got "+words(key), "put texts with { } or [ ] in quotes")
			continue
		}
		if line, twice := first[key.Value]; twice {
			d.wrong(key, path, fmt.Sprintf("key %q is given twice", key.Value), fmt.Sprintf("the first is at line %d", line))
			continue
		}
		first[key.Value] = key.Line
		at := key.Value
		if path != "" {
			at = path + "." + at
		}
		d.lines[at] = key.Line
		do(key, at, node.Content[i+1])
	}
}

func (d *decoder) list(node *yaml.Node, path string, v reflect.Value) {
	if null(node) {
		return
	}
	items := node.Content
	if node.Kind != yaml.SequenceNode {
		kind := v.Type().Elem().Kind()
		if !(node.Kind == yaml.ScalarNode && kind == reflect.String) && !(node.Kind == yaml.MappingNode && kind == reflect.Struct) {
			d.wrong(node, path, "want a list, got "+words(node), "write each item on a line that begins with \"- \"")
			return
		}
		items = []*yaml.Node{node}
	}
	out := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		d.value(item, fmt.Sprintf("%s[%d]", path, i), out.Index(i))
	}
	v.Set(out)
}

func (d *decoder) basic(node *yaml.Node, path string, v reflect.Value) {
	want, set := "a text", func(s string) error { v.SetString(s); return nil }
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		want, set = "a duration such as 2s or 500ms", func(s string) error {
			duration, err := time.ParseDuration(s)
			v.SetInt(int64(duration))
			return err
		}
	case v.Kind() == reflect.Bool:
		want, set = "true or false", func(s string) error {
			if s != "true" && s != "false" {
				return strconv.ErrSyntax
			}
			v.SetBool(s == "true")
			return nil
		}
	case v.CanInt():
		want, set = "a whole number", func(s string) error {
			n, err := strconv.ParseInt(s, 10, v.Type().Bits())
			v.SetInt(n)
			return err
		}
	case v.CanUint():
		want, set = "a whole number from 0 up", func(s string) error {
			n, err := strconv.ParseUint(s, 10, v.Type().Bits())
			v.SetUint(n)
			return err
		}
	case v.CanFloat():
		want, set = "a number", func(s string) error {
			n, err := strconv.ParseFloat(s, v.Type().Bits())
			v.SetFloat(n)
			return err
		}
	case v.Kind() != reflect.String:
		panic("strict: cannot decode into " + v.Type().String())
	}
	if !d.scalar(node, path, want) {
		return
	}
	if err := set(node.Value); err != nil {
		v.SetZero()
		hint := ""
		if _, err := strconv.ParseFloat(node.Value, 64); err == nil && v.Type() == reflect.TypeFor[time.Duration]() {
			hint = fmt.Sprintf("did you mean %ss?", node.Value)
		}
		d.wrong(node, path, fmt.Sprintf("want %s, got %s", want, words(node)), hint)
	}
}

func (d *decoder) scalar(node *yaml.Node, path, want string) bool {
	if node.Kind == yaml.ScalarNode && !null(node) {
		return true
	}
	d.wrong(node, path, fmt.Sprintf("want %s, got %s", want, words(node)), "")
	return false
}

func null(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }

// words says what a node is to somebody who does not know YAML's terms.
func words(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.MappingNode && node.Style&yaml.FlowStyle != 0:
		return "{...} (put texts that begin with { in quotes)"
	case node.Kind == yaml.MappingNode:
		return "keys with values"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case null(node):
		return "nothing"
	}
	return strconv.Quote(node.Value)
}

// fieldsOf returns the settable fields of a struct by their key, and the Line field if it has one.
// Embedded structs give their fields to the level they stand in.
func fieldsOf(v reflect.Value) (fields map[string]reflect.Value, line reflect.Value) {
	fields = map[string]reflect.Value{}
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case field.Type == reflect.TypeFor[Line]():
			line = value
		case field.Anonymous && field.Type.Kind() == reflect.Struct:
			inner, _ := fieldsOf(value)
			maps.Copy(fields, inner)
		case name == "-" || !field.IsExported():
		case name != "":
			fields[name] = value
		default:
			fields[strings.ToLower(field.Name)] = value
		}
	}
	return fields, line
}

func keysOf(fields map[string]reflect.Value) []string {
	keys := make([]string, 0, len(fields))
	for key := range fields {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
