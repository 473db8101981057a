package web_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"rollcall/web"
)

// What JSON.stringify(JSON.parse(text)) answers. TestInteropEventBytes asks Node.
func TestStringified(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{`1e2`, `100`}, {`1.0`, `1`}, {`-0`, `0`}, {`-0.0`, `0`}, {`0e99`, `0`},
		{`12345678901234567890`, `12345678901234567000`},
		{`1E400`, `null`}, {`-1e400`, `null`}, {`1e-400`, `0`}, {`1e21`, `1e+21`}, {`999999999999999999999`, `1e+21`},
		{`123456789012345680000`, `123456789012345680000`}, {`1e-6`, `0.000001`}, {`1e-7`, `1e-7`},
		{`1.5e-10`, `1.5e-10`},
		{`1e-100`, `1e-100`}, {`9007199254740993`, `9007199254740992`}, {`0.1`, `0.1`}, {`5e-324`, `5e-324`},
		{`1.7976931348623157e308`, `1.7976931348623157e+308`}, {`100.50`, `100.5`}, {`-1.25E+2`, `-125`},
		{`true`, `true`}, {`false`, `false`}, {`null`, `null`}, {` [ ] `, `[]`}, {"{\n}", `{}`}, {`""`, `""`},
		{`[1 ,2, [ 3.0 ] ]`, `[1,2,[3]]`},
		{`{"b":1,"a":2}`, `{"b":1,"a":2}`},
		{`{"b":1,"10":2,"a":3,"2":4}`, `{"2":4,"10":2,"b":1,"a":3}`},
		{`{"4294967295":1,"4294967294":2,"0":3,"00":4,"-1":5,"1.5":6,"":7,"+1":8}`,
			`{"0":3,"4294967294":2,"4294967295":1,"00":4,"-1":5,"1.5":6,"":7,"+1":8}`},
		{`{"a":1,"b":2,"a":{"1":1,"0":0}}`, `{"a":{"0":0,"1":1},"b":2}`},
		{`{"1":1,"\u0031":2,"a":3,"\u0061":4}`, `{"1":2,"a":4}`},
		{`{"__proto__":{"x":1.0},"constructor":1}`, `{"__proto__":{"x":1},"constructor":1}`},
		{`[{"x":{"9":[{"8":1,"7":2.50}]},"3":[]}]`, `[{"3":[],"x":{"9":[{"7":2.5,"8":1}]}}]`},
		{`"\/\b\f\n\r\t\"\\"`, `"/\b\f\n\r\t\"\\"`},
		{`"\u0008\u000C\u000a\u000D\u0009\u0022\u005C\u002f"`, `"\b\f\n\r\t\"\\/"`},
		{`"\u0000\u001F\u007f\u0080"`, `"\u0000\u001f` + "\u007f\u0080" + `"`},
		{`"\u003c\u003E\u0026\u2028\u2029"`, "\"<>&\u2028\u2029\""},
		{"\"<>&\u2028\u2029é\U0001F600\"", "\"<>&\u2028\u2029é\U0001F600\""},
		{`"\uD83D\uDE00"`, "\"\U0001F600\""}, {`"\uD83D"`, `"\ud83d"`}, {`"\uDE00\uD83D"`, `"\ude00\ud83d"`},
		{`"\uD83Dx\uDE00\uD83D\uD83D\uDE00"`, `"\ud83dx\ude00\ud83d` + "\U0001F600" + `"`},
		{`"\uFFFF\uFFFD"`, "\"\uffff\ufffd\""},
		{`{"\u0000":1}`, `{"\u0000":1}`},
	} {
		if got := string(web.Stringified([]byte(c.text))); got != c.want {
			t.Errorf("%s: got %s, want %s", c.text, got, c.want)
		}
		if again := string(web.Stringified([]byte(c.want))); again != c.want {
			t.Errorf("%s: a second time %s", c.want, again)
		}
	}
}

func TestStringifiedNumbersKeepTheirValue(t *testing.T) {
	t.Parallel()
	for i := range uint64(20_000) {
		n := math.Float64frombits(i * 922337203685477 * 31)
		if math.IsNaN(n) || math.IsInf(n, 0) {
			continue
		}
		text := fmt.Sprintf("%.17g", n)
		var back float64
		if err := json.Unmarshal(web.Stringified([]byte(text)), &back); err != nil || back != n {
			t.Fatalf("%s: %v, %v", text, back, err)
		}
	}
}

// Deep and wide documents take time in proportion to their size, and what is no JSON ends.
func TestStringifiedEnds(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"1":`, 5_000) + "1.0" + strings.Repeat("}", 5_000)
	if got := string(web.Stringified([]byte(deep))); got != strings.Replace(deep, "1.0", "1", 1) {
		t.Error("a deep document differs")
	}
	var wide strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&wide, `,"%d":%d.0`, 20_000-i, i)
	}
	got := string(web.Stringified([]byte("{" + wide.String()[1:] + "}")))
	if !strings.HasPrefix(got, `{"1":19999,"2":19998,`) {
		t.Errorf("a wide document begins with %.40s", got)
	}
	for _, text := range []string{"", "{", "[", `"`, `{"a`, `{"a"`, `{"a":`, `[1,`, `"\`,
		`"\u`, `"\u12`, "}", ":", ",", "[:]", "{:}", `{1}`} {
		web.Stringified([]byte(text))
	}
}
