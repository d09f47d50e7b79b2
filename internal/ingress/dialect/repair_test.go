package dialect

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestRepair: broken JSON, and the JSON that was meant; "": nobody can know.
func TestRepair(t *testing.T) {
	for name, test := range map[string]struct{ broken, want string }{
		"valid":                     {` {"a" : 1e5} `, ` {"a" : 1e5} `},
		"byte order mark":           {"\ufeff{\"a\":1}", `{"a":1}`},
		"lines in a string":         {"{\"text\":\"a\nb\tc\"}", `{"text":"a\u000ab\u0009c"}`},
		"trailing commas":           {`{"a":[1,2,],"b":{"c":1,},}`, `{"a":[1,2],"b":{"c":1}}`},
		"doubled commas":            {`{"a":1,,"b":[1,,2]}`, `{"a":1,"b":[1,2]}`},
		"no commas between lines":   {"{\n\"a\": \"x\"\n\"b\": 2\n\"c\": [1\n2]\n}", `{"a":"x","b":2,"c":[1,2]}`},
		"no comma on a line":        {`{"a":"x" "b":2 "c":{} "d":1}`, `{"a":"x","b":2,"c":{},"d":1}`},
		"no colon":                  {`{"a" "x"}`, `{"a":"x"}`},
		"Python":                    {`{'a': True, 'b': None, 'c': 'it\'s', "d": False}`, `{"a":true,"b":null,"c":"it's","d":false}`},
		"Python's bytes":            {`{'a': '\xe9t\xe9 "x"'}`, `{"a":"\u00e9t\u00e9 \"x\""}`},
		"Python's own values":       {`{'at': datetime(2026, 1, 2), 'n': 1}`, `{"at":"datetime(2026, 1, 2)","n":1}`},
		"Ruby":                      {`{"a" => nil, "b" => "x"}`, `{"a":null,"b":"x"}`},
		"JavaScript":                {"{a: 1, $b: 'x', // note\n /* more */ c_d: undefined}", `{"a":1,"$b":"x","c_d":null}`},
		"comments after commas":     {"{\"a\": \"x\", // first\n\"b\": \"y\" // second\n}", `{"a":"x","b":"y"}`},
		"apostrophes":               {`{'text': 'it's Bob's', 'n': 1}`, `{"text":"it's Bob's","n":1}`},
		"quotes in a string":        {`{"text":"he said "hi" and left"}`, `{"text":"he said \"hi\" and left"}`},
		"quotes at both ends":       {`{"text":""quoted"","n":1}`, `{"text":"\"quoted\"","n":1}`},
		"quotes and a comma":        {`{"text":"say "yes", or "no"","n":1}`, `{"text":"say \"yes\", or \"no\"","n":1}`},
		"quotes and a colon":        {`{"text":"the "a": it is","n":1}`, `{"text":"the \"a\": it is","n":1}`},
		"quotes and braces":         {`{"text":"use "{x}" now"}`, `{"text":"use \"{x}\" now"}`},
		"quotes in an array":        {`["he said "hi"","b"]`, `["he said \"hi\"","b"]`},
		"JSON in a string":          {`{"text":"{"a":"b","c":{"d":1}}","n":2}`, `{"text":"{\"a\":\"b\",\"c\":{\"d\":1}}","n":2}`},
		"a bracket in a string":     {`{"text":"[",}`, `{"text":"["}`},
		"escaped once too often":    {`{\"text\":\"a\\nb\"}`, `{"text":"a\nb"}`},
		"wrong escapes":             {`{"a":"\d \' \x41 50\%"}`, `{"a":"\\d ' \\x41 50\\%"}`},
		"wrong code points":         {`{"a":"\u12 \uzzzz \u00e9"}`, `{"a":"\\u12 \\uzzzz \u00e9"}`},
		"path":                      {`{"a":"C:\Users\new\table.txt is gone\n"}`, `{"a":"C:\\Users\\new\\table.txt is gone\n"}`},
		"folder":                    {`{"dir":"D:\data\","n":1}`, `{"dir":"D:\\data\\","n":1}`},
		"escaped path":              {`{"a":"C:\\new\\x",}`, `{"a":"C:\\new\\x"}`},
		"share":                     {`{"a":"see \\server\public"}`, `{"a":"see \\\\server\\public"}`},
		"no path":                   {`{"a":"disk C:\n95 %",}`, `{"a":"disk C:\n95 %"}`},
		"smart quotes":              {`{“text”: “say "hi"”, “n”: ‘x’}`, `{"text":"say \"hi\"","n":"x"}`},
		"smart quotes as text":      {`{"text":"“hi”",}`, `{"text":"“hi”"}`},
		"no number":                 {`{"a":NaN,"b":-Infinity,"c":[NaN,1]}`, `{"a":"NaN","b":"-Infinity","c":["NaN",1]}`},
		"other numbers":             {`{"a":+5,"b":.5,"c":007,"d":0x1F,"e":1,5}`, `{"a":"+5","b":".5","c":"007","d":"0x1F","e":"1,5"}`},
		"no quotes":                 {`{text: hello, world, n: 1}`, `{"text":"hello, world","n":1}`},
		"no quotes, and a link":     {`{text:see https://a.example/b?c={d},n:1}`, `{"text":"see https://a.example/b?c={d}","n":1}`},
		"no value":                  {`{"a":,"b":}`, `{"a":null,"b":null}`},
		"cut off in a string":       {`{"a":[{"text":"hel`, `{"a":[{"text":"hel"}]}`},
		"cut off in an escape":      {`{"a":"x\`, `{"a":"x"}`},
		"cut off in a name":         {`{"a":1,"te`, `{"a":1,"te":null}`},
		"cut off behind a name":     {`{"a":1,"text"`, `{"a":1,"text":null}`},
		"cut off behind a colon":    {`{"a":1,"text":`, `{"a":1,"text":null}`},
		"cut off behind a comma":    {`[1,{"a":tru`, `[1,{"a":"tru"}]`},
		"cut off behind a string":   {`{"a":"x","te`, `{"a":"x","te":null}`},
		"braces without quotes":     {`{a: b {c} d, e: f [g], h: 5 minutes}`, `{"a":"b {c} d","e":"f [g]","h":"5 minutes"}`},
		"a bracket is missing":      {`{"a":[1,2}`, `{"a":[1,2]}`},
		"brackets too many":         {`{"a":1}}]`, `{"a":1}`},
		"guard":                     {")]}',\n{\"a\":1}", `{"a":1}`},
		"endless loop":              {`for(;;);{"a":1}`, `{"a":1}`},
		"guard of an object":        {`{}&&{"a":1}`, `{"a":1}`},
		"call":                      {`callback({"a":1});`, `{"a":1}`},
		"variable":                  {`var x = {a: 1};`, `{"a":1}`},
		"shell":                     {`'{text:hi}'`, `{"text":"hi"}`},
		"several values":            {"{\"a\":1}\n{\"b\":2}\n", `[{"a":1},{"b":2}]`},
		"several values in a row":   {`{"a":1}{"b":2},[3]`, `[{"a":1},{"b":2},[3]]`},
		"Latin-1":                   {"{\"a\":\"caf\xe9 \x80 5\"}", `{"a":"café € 5"}`},
		"Latin-1 at the end":        {"{\"a\":\"caf\xe9\"}", `{"a":"café"}`},
		"cut off in a character":    {"{\"a\":\"é\xc3", `{"a":"é"}`},
		"spaces of a web page":      {"{\u00a0\"a\":\u00a0\"b\"\u00a0}", `{"a":"b"}`},
		"zero at the end":           {"{\"a\":1}\x00", `{"a":1}`},
		"continued line":            {"{'a':'b\\\nc'}", `{"a":"b\u000ac"}`},
		"string":                    {"\"he said \"hi\"\n\"", `"he said \"hi\"\u000a"`},
		"a script stays a string":   {`{"a":"</script>"<script>"}`, `{"a":"</script>\"<script>"}`},
		"nothing":                   {"", ""},
		"words":                     {"hello", ""},
		"words before an object":    {`Dear {name}`, ""},
		"words behind an object":    {`{"a":1} and more`, ""},
		"wiki":                      {`{color:red}x{color}`, ""},
		"template":                  {`{{ .Message }}`, ""},
		"too deep":                  {strings.Repeat("[", 65), ""},
		"an image":                  {"\x89PNG\r\n\x1a\n\x00\x00{", ""},
		"value between brackets":    {`{1}`, ""},
		"members without structure": {`{"a":1;"b":2}`, `{"a":"1;\"b\":2"}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := Repair([]byte(test.broken))
			if ok != (test.want != "") || string(got) != test.want {
				t.Errorf("%s\n got %s %v\nwant %s", test.broken, got, ok, test.want)
			}
		})
	}
}

// TestRepairIsLinear: what makes a reader look ahead at every byte takes no longer
// than anything else.
func TestRepairIsLinear(t *testing.T) {
	for _, part := range []string{
		`"`, `"}`, `",`, `", "`, `"/*`, `"//`, `" `, " ", "[", "{", `{"`, `{"a":`, `\`, `C:\`, `C:\C:\x `, `C:\n`, `\\a`, "a,", "a }", "“", "'", "/*", "//", "\u00a0",
		`","a`, `{a:`, "\xe9", `"a":"`, `a: `, `\"`, `{\"`, "}\n", "\"\n\"", `"` + strings.Repeat(" ", 50),
	} {
		for _, start := range []string{"", `{"a":"`, `{a:`, `["`, "[", `{'a':'`} {
			body := []byte(start + strings.Repeat(part, (1<<18)/len(part)))
			begin := time.Now()
			fixed, _ := Repair(body)
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("%q and many of %q took %s", start, part, took)
			}
			if len(fixed) > 8*len(body)+100 {
				t.Errorf("%q and many of %q became %d bytes", start, part, len(fixed))
			}
		}
	}
}

// FuzzRepair: what is repaired is valid, and needs no more repair; valid JSON stays.
func FuzzRepair(f *testing.F) {
	for _, s := range []string{
		`{"a":"he said "hi", ok"}`, `{'a': None,}`, "{a:b\nc:d}", "{\"a\":\"\xe9\\x", `)]}'` + "\n[1,", `{"p":"C:\Users\x"}`, `{“a”:‘b’}`, "{}{}\n[]", `{\"a\":1}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		fixed, ok := Repair(body)
		if !bytes.Equal(before, body) {
			t.Fatal("the body was changed")
		}
		valid := json.Valid(body) && utf8.Valid(body)
		switch {
		case valid && (!ok || !bytes.Equal(fixed, body)):
			t.Fatalf("valid JSON %q became %q", body, fixed)
		case ok && (!json.Valid(fixed) || !utf8.Valid(fixed)):
			t.Fatalf("%q became %q, which is not valid", body, fixed)
		case !ok && fixed != nil:
			t.Fatalf("%q was not repaired, and is %q", body, fixed)
		case len(fixed) > 8*len(body)+100:
			t.Fatalf("%d bytes became %d", len(body), len(fixed))
		}
	})
}

// TestReadRepairs: a request knows that its JSON was repaired.
func TestReadRepairs(t *testing.T) {
	for name, test := range map[string]struct {
		label, body, want string
		repaired          bool
	}{
		"valid":            {"application/json", `{"text":"hi"}`, "hi", false},
		"byte order mark":  {"application/json", "\ufeff{\"text\":\"hi\"}", "hi", false},
		"broken":           {"text/html", `{"text":"say "hi"",}`, `say "hi"`, true},
		"lines":            {"", "{\"text\":\"a\nb\"}", "a\nb", true},
		"payload":          {"", "payload=%7B%27text%27%3A%27hi%27%7D", "hi", true},
		"Latin-1 JSON":     {"", "{\"text\":\"caf\xe9\"}", "café", true},
		"Latin-1 form":     {"application/x-www-form-urlencoded", "text=caf%E9", "café", false},
		"Latin-1 and UTF8": {"application/x-www-form-urlencoded", "text=caf%E9+%C3%A9", "café é", false},
		"lines of JSON":    {"application/x-ndjson+json", "{\"text\":\"a\"}\n{\"text\":\"b\"}", "", true},
		"multipart": {
			"multipart/form-data; boundary=X",
			"--X\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n{text:hi}\r\n--X--\r\n", "hi", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Read(http.Header{"Content-Type": {test.label}}, nil, []byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Fields.Str("text"); got != test.want || r.Repaired != test.repaired {
				t.Errorf("read %q, repaired %v", got, r.Repaired)
			}
		})
	}
}

// TestReadDecodesText: a text in Windows-1252 is read; what is no text is refused.
func TestReadDecodesText(t *testing.T) {
	r, err := Read(nil, nil, []byte("d\xe9j\xe0 vu \x96 5 \x80"))
	if err != nil || r.Text != "déjà vu – 5 €" {
		t.Errorf("read %q, %v", r.Text, err)
	}
	if _, err := Read(nil, nil, []byte("\x89PNG\r\n\x1a\n\x00\x00")); err == nil {
		t.Error("an image was read as text")
	}
}
