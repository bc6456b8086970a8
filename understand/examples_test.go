package understand

import (
	"strings"
	"testing"
)

func TestExamplesComeFromCSVWhoseFirstLineNamesTheColumns(t *testing.T) {
	for _, file := range []string{
		"text,intent\nwhere is it,track\n\"late, again\",oos\n",
		"\ufeffid,Category,Text\r\n1,track,where is it\r\n2,oos,\"late, again\"\r\n",
	} {
		got, err := parseExamples("t.csv", []byte(file))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 2 || got[0] != (Example{"where is it", "track", 2}) || got[1] != (Example{"late, again", OutOfScope, 3}) {
			t.Errorf("%q gave %+v", file, got)
		}
	}
}

func TestAllMistakesOfACSVFileComeAtOnceWithTheirLines(t *testing.T) {
	_, err := parseExamples("t.csv", []byte("text,intent\nwhere is it,track\n,track\nhow,\nmore, than, two\nsay \"x\" now,track\n"))
	if err == nil {
		t.Fatal("no mistakes found")
	}
	for _, want := range []string{"t.csv:3: the text is empty", "t.csv:4: the intent is empty", "t.csv:5: 3 fields where the first line has 2", `t.csv:6: bare "`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
}

func TestAFileWithoutItsColumnsIsRefusedOnce(t *testing.T) {
	for _, file := range []string{"", "where is it,track\nis it late,track\n"} {
		if _, err := parseExamples("t.csv", []byte(file)); err == nil || strings.Count(err.Error(), "\n") > 0 || !strings.Contains(err.Error(), "text,intent") {
			t.Errorf("%q gave %v", file, err)
		}
	}
}

func TestIntentsThatCannotBeLearntOrAreNotKnownAreNamedWithTheirLines(t *testing.T) {
	training := []Example{{"a", "track", 2}, {"b", "track", 3}, {"c", "fees", 4}}
	if err := CheckTraining("t.csv", training); err == nil || !strings.Contains(err.Error(), `t.csv:4: intent "fees" has only 1 example`) {
		t.Error(err)
	}
	if err := CheckTraining("t.csv", training[:2]); err == nil || !strings.Contains(err.Error(), "examples of 1 intents") {
		t.Error(err)
	}
	test := []Example{{"x", "trakc", 2}, {"y", OutOfScope, 3}, {"z", "fees", 4}}
	if err := CheckTest("u.csv", test, training); err == nil || err.Error() != `u.csv:2: unknown intent "trakc"; did you mean "track"?` {
		t.Error(err)
	}
}

func FuzzExamples(f *testing.F) {
	f.Add([]byte("text,intent\nwhere is it,track\n"))
	f.Add([]byte("text,intent\n\"a\"b,c\n\"open"))
	f.Fuzz(func(t *testing.T, data []byte) {
		examples, err := parseExamples("f.csv", data)
		if err == nil && len(data) == 0 {
			t.Error("an empty file is no mistake")
		}
		for _, e := range examples {
			if e.Text == "" || e.Intent == "" || e.Line < 2 {
				t.Errorf("%+v", e)
			}
		}
	})
}
