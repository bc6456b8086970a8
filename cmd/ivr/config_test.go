package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"ivr/internal/strict"
	"ivr/sip"
)

const restOfConfig = `
bots: {"4000": none.yaml}
queues: {service: {}}
`

// parsed reads a configuration with what every one needs.
func parsed(t *testing.T, text string) (*config, string) {
	t.Helper()
	file := strict.Parse("ivr.yaml", []byte(text+restOfConfig))
	cfg := readConfig(filepath.Join(t.TempDir(), "ivr.yaml"), file)
	if err := file.Err(); err != nil {
		return cfg, err.Error()
	}
	return cfg, ""
}

func TestEveryMistakeOfATrunkIsToldWithItsLineAndWhatWouldBeRight(t *testing.T) {
	for text, want := range map[string]string{
		"trunks:\n  a b: {address: x.example}":                                                                     `ivr.yaml:2: trunks.a b: "a b" is no name for a trunk; use letters`,
		"trunks:\n  a: {}":                                                                                         "ivr.yaml:2: trunks.a: it has neither an address nor sources; add address",
		"trunks:\n  a: {adress: x.example}":                                                                        `ivr.yaml:2: trunks.a: unknown key "adress"; did you mean "address"?`,
		"trunks:\n  a:\n    address: a b":                                                                          `ivr.yaml:3: trunks.a.address: "a b" is not an address; write it like`,
		"trunks:\n  a:\n    address: sip:bot@x.example":                                                            "is not an address",
		"trunks:\n  a:\n    address: x.example\n    transport: sctp":                                               `ivr.yaml:4: trunks.a.transport: "sctp" is not known; choose udp, tcp or tls`,
		"trunks:\n  a: {address: x.example;transport=udp, transport: udp}":                                         "the address has a transport too",
		"trunks:\n  a: {sources: [nets]}":                                                                          `trunks.a.sources[0]: "nets" is not an address or a network`,
		"trunks:\n  a: {address: x.example, profile: acme}":                                                        `"acme" is not known; choose companyflex, generic, teams`,
		"trunks:\n  a: {address: x.example, profile: teams}":                                                       "profile teams wants our name; add host:",
		"trunks:\n  a: {address: x.example, host: 192.0.2.1}":                                                      `"192.0.2.1" is not a name`,
		"trunks:\n  a: {sources: [192.0.2.1], register: true}":                                                     "there is no address to register at",
		"trunks:\n  a: {address: x.example, register: true}":                                                       "there is no user to register; add user and password",
		"trunks:\n  a: {address: x.example, register: true, user: u}":                                              "it has no password; add password: env:NAME",
		"trunks:\n  a: {address: x.example, password: p}":                                                          "there is no user that it belongs to",
		"trunks:\n  a: {address: x.example, user: u, password: env:NO_SUCH_ONE}":                                   "the environment has no NO_SUCH_ONE; write env:NAME",
		"trunks:\n  a: {address: x.example, user: u, password: file:none}":                                         "the password cannot be read",
		"trunks:\n  a: {address: x.example, expires: 1s}":                                                          "1s is out of range; write 10s to 24h",
		"trunks:\n  a: {address: x.example, challenge: {user: u}}":                                                 "it needs user and password",
		"trunks:\n  a: {address: x.example, max_calls: -1}":                                                        "must not be negative",
		"trunks:\n  a: {address: x.example, in: [{prefix: '+'}, {match: '0'}]}":                                    "trunks.a.in[1]: no number comes to this rule",
		"trunks:\n  a: {address: x.example, out: [{match: '00', strip: 3}]}":                                       "3 characters cannot go",
		"trunks:\n  a: {address: x.example, identity: me}":                                                         "choose asserted, preferred, none",
		"trunks:\n  a: {address: x.example, srtp: 'yes'}":                                                          "choose off, offer, require",
		"trunks:\n  a: {address: x.example, keep: ['a b']}":                                                        "is no name of a header",
		"trunks:\n  a: {address: x.example, keep_alive: 5ms}":                                                      "want a duration of a second or more, or off",
		"trunks:\n  a: {address: x.example, tls: {cert: c.pem}}":                                                   "there is no key that belongs to it",
		"trunks:\n  a: {address: x.example, tls: {ca: c.pem}}":                                                     "trunks.a.tls.ca: open ",
		"sip:\n  listen: ['tls://127.0.0.1:5061']":                                                                 "ivr.yaml:2: sip.listen[0]: there is no certificate for it; add sip.tls",
		"seats: [{id: 1, address: 'tel:+49 30', queues: [service]}]":                                               "there is no trunk to call a number by",
		"seats: [{id: 1, address: 'tel:ann', queues: [service]}]":                                                  `"tel:ann" is not a number`,
		"seats: [{id: 1, address: 'ann', queues: [service]}]":                                                      `"ann" is not a SIP address; write it like sip:`,
		"trunks: {in: {sources: [192.0.2.1]}}\nseats: [{id: 1, address: 'sip:a@b', queues: [service], trunk: in}]": `there is no trunk "in" that calls can be placed on`,
	} {
		if _, got := parsed(t, text); !strings.Contains(got, want) {
			t.Errorf("%s\nwant %s\ngot  %s", text, want, got)
		}
	}
}

func TestATrunkIsUnderstoodAsItIsWritten(t *testing.T) {
	t.Setenv("CARRIER_PASSWORD", "geheim")
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "branch.secret"), []byte("filed\nmore\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := strict.Parse("ivr.yaml", []byte(`
sip: {guard: {strikes: 3, ban: 2m, rate: 50}}
trunks:
  second:
    address: carrier.example
    transport: tcp
    user: "4930"
    password: env:CARRIER_PASSWORD
    register: true
    keep_alive: off
    in: [{match: "00", strip: 2, prefix: "+"}, {match: "0", strip: 1, prefix: "+49"}]
  first: {sources: [192.0.2.0/24, 198.51.100.7], challenge: {user: branch, password: file:branch.secret}, srtp: require}
  big: {profile: teams, address: sip.pstnhub.microsoft.com, host: sbc.example.com, keep_alive: 20s}
seats:
  - {id: "1", address: "tel:+4930123", queues: [service]}
  - {id: "2", address: "tel:+4930123", queues: [service], trunk: [big, second]}
  - {id: "3", address: "sip:ann@192.0.2.9", queues: [service]}
  - {id: "4", address: "sip:ann@192.0.2.9", queues: [service], trunk: second}
`+restOfConfig))
	cfg := readConfig(filepath.Join(folder, "ivr.yaml"), file)
	if err := file.Err(); err != nil {
		t.Fatal(err)
	}
	out, err := cfg.sip()
	if err != nil {
		t.Fatal(err)
	}
	second, first, big := out.Trunks[0], out.Trunks[1], out.Trunks[2] // in the order of the file
	if second.Name != "second" || second.Address != "carrier.example;transport=tcp" || second.Password != "geheim" || second.KeepAlive >= 0 ||
		sip.Rewrite("030", second.In) != "+4930" {
		t.Errorf("%+v", second)
	}
	if first.Challenge != (sip.Credentials{User: "branch", Password: "filed"}) || len(first.Sources) != 2 || first.SRTP != sip.SRTPRequire {
		t.Errorf("%+v", first)
	}
	if big.Address != "sip.pstnhub.microsoft.com;transport=tls" || big.SRTP != sip.SRTPRequire || big.KeepAlive != 20*time.Second {
		t.Errorf("%+v", big)
	}
	if out.Guard != (sip.Guard{Strikes: 3, Ban: 2 * time.Minute, Rate: 50}) {
		t.Errorf("%+v", out.Guard)
	}
	for seat, want := range map[string]string{"1": "[second big]", "2": "[big second]", "3": "[]", "4": "[second]"} {
		if got := fmt.Sprint(cfg.trunksTo(seat)); got != want {
			t.Errorf("seat %s is reached over %s, want %s", seat, got, want)
		}
	}
}

func TestAPasswordIsNeverPrinted(t *testing.T) {
	cfg, mistakes := parsed(t, "sip: {listen: udp://0.0.0.0:5060}\ntrunks: {a: {address: x.example, user: u, password: hunter2, challenge: {user: v, password: hunter2}}}")
	if mistakes != "" {
		t.Fatal(mistakes)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", cfg, cfg.Trunks, cfg.Trunks["a"], cfg.Trunks["a"].Password); strings.Contains(text, "hunter2") {
		t.Error(text)
	}
	if len(cfg.advice) != 2 || !strings.Contains(cfg.advice[0], "ivr.yaml:2: trunks.a.password: the password is in this file in the clear") {
		t.Errorf("%q", cfg.advice)
	}
}

func TestWhatIsNotWiseIsToldAsAdvice(t *testing.T) {
	for text, want := range map[string]string{
		"trunks: {a: {address: x.example}}":                                                                 "sip.listen serves this machine only",
		"sip: {listen: udp://0.0.0.0:5060}\ntrunks: {a: {address: x.example, srtp: require}}":               "the keys of the audio travel in the clear",
		"sip: {listen: udp://0.0.0.0:5060}\ntrunks: {a: {address: 'sips:x.example', tls: {verify: false}}}": "can pretend to be this trunk",
	} {
		if cfg, mistakes := parsed(t, text); mistakes != "" || len(cfg.advice) != 1 || !strings.Contains(cfg.advice[0], want) {
			t.Errorf("%s: %q %s", text, cfg.advice, mistakes)
		}
	}
}

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// The blocks of the documents are configurations, or parts of one: what they show can be written.
func TestTheDocumentsShowConfigurationsThatAreRight(t *testing.T) {
	t.Setenv("CARRIER_PASSWORD", "x")
	for _, document := range []string{"configuration.md", "trunks.md"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "docs", document))
		if err != nil {
			t.Fatal(err)
		}
		blocks := yamlBlock.FindAllSubmatch(data, -1)
		if len(blocks) == 0 {
			t.Errorf("%s shows nothing", document)
		}
		for i, block := range blocks {
			text := string(block[1])
			for key, value := range map[string]string{"bots": `{"4000": none.yaml}`, "queues": "{service: {}}"} {
				if !strings.Contains(text, "\n"+key+":") {
					text += key + ": " + value + "\n"
				}
			}
			file := strict.Parse(fmt.Sprintf("%s, block %d", document, i+1), []byte(text))
			readConfig(filepath.Join(t.TempDir(), "ivr.yaml"), file)
			for line := range strings.Lines(fmt.Sprint(file.Err())) {
				if !strings.Contains(line, "no such file or directory") && line != "<nil>" { // certificates are not beside the document
					t.Error(line)
				}
			}
		}
	}
}

func TestEveryKeyOfATrunkIsExplained(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "trunks.md"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range reflect.TypeFor[trunkConfig]().NumField() {
		key := reflect.TypeFor[trunkConfig]().Field(i).Tag.Get("yaml")
		if key != "" && !strings.Contains(string(data), "`"+key+"`") && !strings.Contains(string(data), "`"+key+": {") {
			t.Errorf("docs/trunks.md does not explain %s", key)
		}
	}
}

// FIELD 7: the setting that a refusal names exists.
func TestTheSettingsThatRefusalsNameAreKeysOfTheConfiguration(t *testing.T) {
	blocks := map[string]string{
		"sip.allow": "sip: {allow: [192.0.2.1]}", "sip.max_calls": "sip: {max_calls: 1}", "rtp.ports": "rtp: {ports: 20000-20100}", "bots": "",
		"sip.guard.rate": "sip: {guard: {rate: 1}}", "sip.guard.ban": "sip: {guard: {ban: 1m}}", "trunks.NAME.max_calls": "trunks: {a: {address: x, max_calls: 1}}",
		"trunks.NAME.call_rate": "trunks: {a: {address: x, call_rate: 1}}", "trunks.NAME.srtp": "trunks: {a: {address: x, srtp: 'off'}}",
		"trunks.NAME.challenge": "trunks: {a: {address: x, challenge: {user: u, password: p}}}",
	}
	for _, s := range sip.Settings() {
		if !regexp.MustCompile(`^[a-zA-Z_.]+$`).MatchString(s) {
			continue // words
		}
		block, known := blocks[s]
		if !known {
			t.Errorf("%q is no key of the configuration that this test knows", s)
		}
		if _, mistakes := parsed(t, block); mistakes != "" {
			t.Errorf("%s: %s", s, mistakes)
		}
	}
}
