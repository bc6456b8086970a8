package strict

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

type listener struct {
	Addr    netip.AddrPort
	Max     int           `yaml:"max_calls"`
	Wait    time.Duration `yaml:"wait"`
	Record  bool
	Gain    float64
	Names   []string
	Trunks  map[string]trunk
	Limit   *limit
	Nest    map[string]nest
	skipped int
	Line    Line
}

type trunk struct {
	Host string
	Port uint16
	Line Line
}

type nest map[string]nest

type limit struct{ Rate float64 }

func TestAFileIsDecodedOverItsDefaults(t *testing.T) {
	got := listener{Max: 7, Wait: time.Second}
	err := Decode("ivr.yaml", []byte(`
addr: 127.0.0.1:5060
wait: 1m30s
gain: 0.5
names: one
record: true
trunks:
  home: {host: sip.example.org, port: 5062}
limit:
`), &got)
	if err != nil {
		t.Fatal(err)
	}
	if got.Max != 7 || got.Wait != 90*time.Second || got.Addr.Port() != 5060 || got.Names[0] != "one" || got.skipped != 0 {
		t.Errorf("decoded %+v", got)
	}
	if home := got.Trunks["home"]; home.Host != "sip.example.org" || home.Port != 5062 || home.Line != 8 {
		t.Errorf("trunk is %+v", home)
	}
}

func TestAllMistakesAreReportedAtOnceWithLineAndRemedy(t *testing.T) {
	for name, c := range map[string]struct {
		yaml string
		want []string
	}{
		"many kinds together": {`max_calls: many
wiat: 2s
wait: 2
record: yes
names: {a: b}
trunks:
  home: {host: x, prot: 3}
  away: 12
max_calls: 3
`, []string{
			`ivr.yaml:1: max_calls: want a whole number, got "many"`,
			`ivr.yaml:2: unknown key "wiat"; did you mean "wait"?`,
			`ivr.yaml:3: wait: want a duration such as 2s or 500ms, got "2"; did you mean 2s?`,
			`ivr.yaml:4: record: want true or false, got "yes"`,
			`ivr.yaml:5: names: want a list, got {...}`,
			`ivr.yaml:7: trunks.home: unknown key "prot"; did you mean "port"?`,
			`ivr.yaml:8: trunks.away: want keys with values, got "12"`,
			`ivr.yaml:9: key "max_calls" is given twice; the first is at line 1`,
		}},
		"a key like no other":       {"zzzzzzzzz: 1\n", []string{`ivr.yaml:1: unknown key "zzzzzzzzz"; valid here: addr, gain`}},
		"an address":                {"addr: here\n", []string{`ivr.yaml:1: addr: not an ip:port`}},
		"a number out of range":     {"trunks: {a: {port: 70000}}\n", []string{`trunks.a.port: want a whole number from 0 up, got "70000"`}},
		"nothing for a number":      {"max_calls:\n", []string{`ivr.yaml:1: max_calls: want a whole number, got nothing`}},
		"tabs":                      {"trunks:\n\thome: 1\n", []string{`ivr.yaml:2: not YAML: found character that cannot start any token; indent with spaces`}},
		"a question mark in braces": {"gain: 1\nnames: [What?, {a: Why?, b: c}]\n", []string{`ivr.yaml:2: not YAML: did not find expected ',' or ']'; inside { }`}},
		"a list among keys":         {"gain: 1\nrecord: true\n- c\n", []string{`ivr.yaml:3: not YAML: did not find expected key`}},
		"an unclosed quote":         {"names: \"a\nb: c\n", []string{`not YAML: `}},
		"an empty file":             {"\n\n", []string{`ivr.yaml: the file is empty`}},
		"two documents":             {"gain: 1\n---\ngain: 2\n", []string{`a second document begins here`}},
		"a list":                    {"- gain\n", []string{`ivr.yaml:1: want keys with values, got a list`}},
		"a bomb":                    {bomb(), []string{`repeats itself too often`}},
		"a loop":                    {"trunks: &a\n  home: *a\n", []string{`ivr.yaml:`}},
		"braces as a key":           {"{{x}}: 1\n", []string{`ivr.yaml:1: want a word for a key`}},
	} {
		t.Run(name, func(t *testing.T) {
			err := Decode("ivr.yaml", []byte(c.yaml), &listener{})
			if err == nil {
				t.Fatal("no mistake found")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(c.want) {
				t.Errorf("%d mistakes, want %d:\n%s", len(lines), len(c.want), err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("missing %q in\n%s", want, err)
				}
			}
		})
	}
}

// bomb is small, and 10 to the power of 9 strings when its aliases are followed.
func bomb() string {
	var s strings.Builder
	s.WriteString("nest:\n  a0: &a0 {x: {}}\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&s, "  a%d: &a%d {", i, i)
		for j := range 10 {
			fmt.Fprintf(&s, "k%d: *a%d, ", j, i-1)
		}
		s.WriteString("}\n")
	}
	return s.String()
}

func TestEmbeddedFieldsStandAtTheLevelOfTheirStruct(t *testing.T) {
	var got struct {
		limit
		Name string
	}
	if err := Decode("a.yaml", []byte("rate: 2\nname: x\n"), &got); err != nil || got.Rate != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAValidatorAddsItsMistakesByPath(t *testing.T) {
	f := Parse("bot.yaml", []byte("names:\n  - a\n  - b\ntrunks:\n  home:\n    host: x\n"))
	f.Decode(&listener{})
	f.Mistake("trunks.home.port", "no port", "write port: 5060")
	f.Mistake("names[1]", "b is taken", "")
	f.Mistake("", "no addr", "")
	want := "bot.yaml:1: no addr\nbot.yaml:3: names[1]: b is taken\nbot.yaml:5: trunks.home.port: no port; write port: 5060"
	if err := f.Err(); err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if !f.Has("trunks.home.host") || f.Has("trunks.home.port") {
		t.Error("Has does not say what is written")
	}
}

func TestMistakesOfSeveralFilesJoin(t *testing.T) {
	if err := Join(nil, nil); err != nil {
		t.Errorf("no mistakes became %v", err)
	}
	one := Decode("a.yaml", []byte("rat: 1"), &limit{})
	if got := Join(one, errors.New("models are missing")).Error(); !strings.Contains(got, "rat") || !strings.Contains(got, "models") {
		t.Errorf("joined to %s", got)
	}
}

func TestSuggestionsAreNearOrNone(t *testing.T) {
	valid := []string{"examples", "answer", "flow", "slots"}
	for word, want := range map[string]string{"exmaples": "examples", "Answer": "answer", "flwo": "flow", "slot": "slots", "greeting": ""} {
		if got := Suggest(word, valid); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", word, got, want)
		}
	}
}

// Whatever the bytes, decoding ends and a mistake has a line inside the file.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("trunks: {a: &x {host: *x}}"))
	f.Add([]byte(bomb()))
	f.Add([]byte("a: \tb\n- c"))
	f.Fuzz(func(t *testing.T, data []byte) {
		err := Decode("f", data, &listener{})
		if err == nil {
			return
		}
		for _, m := range err.(*Mistakes).List {
			if m.Line < 0 || m.Line > strings.Count(string(data), "\n")+strings.Count(string(data), "\r")+2 {
				t.Errorf("line %d of %q: %s", m.Line, data, m)
			}
		}
	})
}
