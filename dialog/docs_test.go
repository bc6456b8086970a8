package dialog

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"ivr/internal/strict"
	"ivr/testaudio"
)

// block is one fenced block of the guide.
type block struct{ language, text string }

// title is the block's first line, without the mark of a remark.
func (b block) title() string {
	line, _, _ := strings.Cut(b.text, "\n")
	return strings.TrimPrefix(line, "# ")
}

var fenced = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

// readGuide returns docs/bots.md and the blocks in it.
func readGuide(t *testing.T) (guide string, blocks []block) {
	t.Helper()
	data, err := os.ReadFile("../docs/bots.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range fenced.FindAllStringSubmatch(string(data), -1) {
		blocks = append(blocks, block{language: found[1], text: found[2]})
	}
	return string(data), blocks
}

// titled is the one block whose title begins so, and the block after it.
func titled(t *testing.T, blocks []block, title string) (it, next block) {
	t.Helper()
	at := slices.IndexFunc(blocks, func(b block) bool { return strings.HasPrefix(b.title(), title) })
	if at < 0 || at+1 == len(blocks) {
		t.Fatalf("the guide has no block %q with another after it", title)
	}
	return blocks[at], blocks[at+1]
}

func TestEveryCompleteBotOfTheGuideLoads(t *testing.T) {
	complete := 0
	_, blocks := readGuide(t)
	for _, b := range blocks {
		if b.language != "yaml" || !strings.HasSuffix(b.title(), ": a complete bot") {
			continue
		}
		complete++
		if _, err := Parse(b.title(), []byte(b.text)); err != nil {
			t.Error(err)
		}
	}
	if complete == 0 {
		t.Error("no block of the guide says that it is a complete bot")
	}
}

// The guide promises that its pieces make one bot; so every key and every name in them is checked, and its script is true.
func TestThePiecesOfTheGuideMakeTheBotThatItsScriptTalksWith(t *testing.T) {
	_, blocks := readGuide(t)
	bot, err := Parse("bakery.yaml", pieces(t, blocks))
	if err != nil {
		t.Fatal(err)
	}
	script, _ := titled(t, blocks, "lemon.talk")
	if _, err := testaudio.ParseTalk("lemon.talk", strings.NewReader(script.text)); err != nil {
		t.Error(err)
	}
	caller := &talk{T: t, bot: bot, session: bot.Start(), now: testNow}
	caller.step(Begin{Now: testNow})
	caller.play("lemon.talk", script.text, nil)
}

// pieces puts the guide's YAML together: later blocks add to what earlier ones say.
func pieces(t *testing.T, blocks []block) []byte {
	t.Helper()
	var whole yaml.Node
	for _, b := range blocks {
		if b.language != "yaml" || strings.HasSuffix(b.title(), ": with mistakes") {
			continue
		}
		var piece yaml.Node
		if err := yaml.Unmarshal([]byte(b.text), &piece); err != nil {
			t.Fatalf("%v in\n%s", err, b.text)
		}
		if whole.IsZero() {
			whole = piece
			continue
		}
		join(whole.Content[0], piece.Content[0])
	}
	data, err := yaml.Marshal(&whole)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// join adds the keys of one mapping to another; a key that both have is joined, or taken from the second.
func join(into, from *yaml.Node) {
	for i := 0; i < len(from.Content); i += 2 {
		key, value := from.Content[i], from.Content[i+1]
		at := slices.IndexFunc(into.Content, func(n *yaml.Node) bool { return n.Value == key.Value })
		switch {
		case at < 0:
			into.Content = append(into.Content, key, value)
		case value.Kind == yaml.MappingNode:
			join(into.Content[at+1], value)
		default:
			into.Content[at+1] = value
		}
	}
}

func TestTheMistakesOfTheGuideAreTheOnesThatAreTold(t *testing.T) {
	_, blocks := readGuide(t)
	wrong, told := titled(t, blocks, "shop.yaml")
	_, err := Parse("shop.yaml", []byte(wrong.text))
	if err == nil || err.Error() != strings.TrimSpace(told.text) {
		t.Errorf("it is told\n%v", err)
	}
}

func TestTheGuideNamesEveryKeyAndPrompt(t *testing.T) {
	guide, _ := readGuide(t)
	for _, key := range keysOfFile(reflect.TypeFor[botFile](), map[reflect.Type]bool{}) {
		if !strings.Contains(guide, "`"+key+"`") && !strings.Contains(guide, "`"+key+":") {
			t.Errorf("the guide does not explain the key %q: it stands nowhere in backticks", key)
		}
	}
	for key, ours := range defaultWording {
		want := "`" + key + "`: " + strings.ReplaceAll(strings.Join(ours, " / "), "|", `\|`)
		if !strings.Contains(guide, want) {
			t.Errorf("the guide lacks %s", want)
		}
	}
	for format := range formats {
		if !strings.Contains(guide, "`"+format+"`") {
			t.Errorf("the guide lacks the format %q", format)
		}
	}
}

// keysOfFile lists what may be written as a key in a type of the bot file and the types inside it.
func keysOfFile(of reflect.Type, seen map[reflect.Type]bool) (keys []string) {
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return keysOfFile(of.Elem(), seen)
	case reflect.Struct:
		if seen[of] {
			return nil
		}
		seen[of] = true
		for i := range of.NumField() {
			field := of.Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			switch {
			case field.Type == reflect.TypeFor[strict.Line]():
				continue
			case field.Anonymous:
			case field.IsExported():
				keys = append(keys, orDefault(name, strings.ToLower(field.Name)))
			}
			keys = append(keys, keysOfFile(field.Type, seen)...)
		}
	}
	return keys
}
