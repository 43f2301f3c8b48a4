package privacy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/privacy"
)

const key = "0123456789abcdef0123456789abcdef"

func redactor(t testing.TB, cfg privacy.Config) *privacy.Redactor {
	t.Helper()
	cfg.Key = key
	r, err := privacy.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// pseudonym of "patron" is echo -n patron | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef, the first 32 digits.
const pseudonym = "hash:75fce6e2c77c0b59a331e4fc04651eaf"

func TestFieldsAreDroppedHashedAndMasked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg            privacy.Config
		body, want, by string
	}{
		"the first field":       {privacy.Config{Drop: []string{"a"}}, `{"a":1,"b":2}`, `{"b":2}`, "drop a"},
		"the last field":        {privacy.Config{Drop: []string{"b"}}, `{"a":1, "b":2 }`, `{"a":1 }`, "drop b"},
		"one in the middle":     {privacy.Config{Drop: []string{"b"}}, "{ \"a\":1\n,\"b\":{\"x\":[1,\"]}\"]} , \"c\":3}", "{ \"a\":1 , \"c\":3}", "drop b"},
		"the first two":         {privacy.Config{Drop: []string{"a", "b"}}, `{ "a":1, "b":2, "c":3}`, `{ "c":3}`, "drop a, drop b"},
		"every field":           {privacy.Config{Drop: []string{"*"}}, `{"a":1,"b":2}`, `{}`, "drop *"},
		"in a list":             {privacy.Config{Drop: []string{"a.b"}}, `{"a":[{"b":1,"c":2},[{"b":1}],3]}`, `{"a":[{"c":2},[{}],3]}`, "drop a.b"},
		"at the top of a list":  {privacy.Config{Drop: []string{"b"}}, `[{"b":1}]`, `[{}]`, "drop b"},
		"space at the colon":    {privacy.Config{Drop: []string{"a.b"}, Mask: []string{"c"}}, "{ \"a\" \n:\t{ \"b\" : 1 , \"d\" : 2 } , \"c\" : \"x\" }", "{ \"a\" \n:\t{  \"d\" : 2 } , \"c\" : \"***\" }", "drop a.b, mask c"},
		"twice in one object":   {privacy.Config{Mask: []string{"a"}}, `{"a":"x","a":"y"}`, `{"a":"***","a":"***"}`, "mask a"},
		"an escaped name":       {privacy.Config{Mask: []string{"ab"}}, `{"a\u0062":"x"}`, `{"a\u0062":"***"}`, "mask ab"},
		"in another case":       {privacy.Config{Mask: []string{"user_id"}}, `{"USER_ID":"x"}`, `{"USER_ID":"***"}`, "mask user_id"},
		"a text":                {privacy.Config{Hash: []string{"a"}}, `{"a":"patron"}`, `{"a":"` + pseudonym + `"}`, "hash a"},
		"an escaped text":       {privacy.Config{Hash: []string{"a"}}, `{"a":"p\u0061tron"}`, `{"a":"` + pseudonym + `"}`, "hash a"},
		"hashed before":         {privacy.Config{Hash: []string{"a"}}, `{"a":"` + pseudonym + `"}`, `{"a":"` + pseudonym + `"}`, ""},
		"all in an object":      {privacy.Config{Mask: []string{"a"}}, `{"a":{"b":1,"c":[true,{"d":"x"}]}}`, `{"a":{"b":"***","c":["***",{"d":"***"}]}}`, "mask a"},
		"but":                   {privacy.Config{Mask: []string{"a"}, Keep: []string{"a.b"}}, `{"a":{"b":{"c":1},"c":2}}`, `{"a":{"b":{"c":1},"c":"***"}}`, "mask a"},
		"nothing stays nothing": {privacy.Config{Mask: []string{"a"}}, `{"a":[null,""]}`, `{"a":[null,""]}`, ""},
		"but for what is named": {privacy.Config{Drop: []string{"a.*"}, Keep: []string{"a.b"}, Mask: []string{"a.c.d"}}, `{"a":{"b":1,"c":{"d":2,"e":3},"f":4},"b":5}`, `{"a":{"b":1,"c":{"d":"***","e":3}},"b":5}`, "drop a.*, mask a.c.d"},
		"below any name":        {privacy.Config{Drop: []string{"*.x", "a.b"}}, `{"a":{"x":1,"b":2,"c":3},"b":{"x":4}}`, `{"a":{"c":3},"b":{}}`, "drop *.x, drop a.b"},
		"the stricter of two":   {privacy.Config{Hash: []string{"*.x"}, Drop: []string{"a.x"}, Keep: []string{"b.x"}}, `{"a":{"x":1},"b":{"x":""}}`, `{"a":{},"b":{"x":""}}`, "drop a.x"},
		"what is no object":     {privacy.Config{Drop: []string{"a.*"}}, `{"a":"patron"}`, `{"a":null}`, "drop a.*"},
		"the rest":              {privacy.Config{Drop: []string{"zz"}}, "\ufeff {\"n\":12345678901234567890.10e+2, \"b\":\"\\/\\u00e9\", \"zz\":0,\"a\":-0}\n", "\ufeff {\"n\":12345678901234567890.10e+2, \"b\":\"\\/\\u00e9\",\"a\":-0}\n", "drop zz"},
		"nothing":               {privacy.Config{Drop: []string{"x"}}, `{"n":1}`, `{"n":1}`, ""},
		"no body":               {privacy.Config{Drop: []string{"x"}}, ``, ``, ""},

		"an element":            {privacy.Config{Drop: []string{"a.b"}}, `<w><a><b>1<c/></b>2</a></w>`, `<w><a>2</a></w>`, "drop a.b"},
		"an empty element":      {privacy.Config{Drop: []string{"a"}}, `<w><a x="1"/><b/></w>`, `<w><b/></w>`, "drop a"},
		"of several elements":   {privacy.Config{Mask: []string{"a.b"}}, `<w><a><b>1</b></a><a><b>2</b><b/></a></w>`, `<w><a><b>***</b></a><a><b>***</b><b/></a></w>`, "mask a.b"},
		"an attribute":          {privacy.Config{Drop: []string{"a.link", "n"}}, "<w n = '1' x='2'><a b=\"1\"\n link = '/users/<x' c='>'>t</a></w>", "", ""},
		"attributes":            {privacy.Config{Drop: []string{"a.link", "n"}}, "<w n = '1' x='2'><a b=\"1\"\n link = '/users/x' c='>'>t</a></w>", "<w x='2'><a b=\"1\" c='>'>t</a></w>", "drop a.link, drop n"},
		"a text in XML":         {privacy.Config{Hash: []string{"a"}}, `<w><a> p&#97;<![CDATA[tr]]>on </a></w>`, `<w><a>` + pseudonym + `</a></w>`, "hash a"},
		"a text with a comment": {privacy.Config{Hash: []string{"a"}}, `<w><a>pat<!-- patron -->ron</a></w>`, `<w><a>` + pseudonym + `</a></w>`, "hash a, drop comments"},
		"text and attributes":   {privacy.Config{Mask: []string{"a"}}, `<w><a desc="x"><b>y</b></a></w>`, `<w><a desc="***"><b>***</b></a></w>`, "mask a"},
		"value is the text":     {privacy.Config{Mask: []string{"a.value"}}, `<w><a desc="x">y</a></w>`, `<w><a desc="x">***</a></w>`, "mask a.value"},
		"namespaces":            {privacy.Config{Mask: []string{"a.b"}, Drop: []string{"*"}}, `<w xmlns="u" xmlns:x="v"><x:a x:b="1"/><c/></w>`, `<w xmlns="u" xmlns:x="v"><x:a x:b="***"/></w>`, "drop *, mask a.b"},
		"stray text":            {privacy.Config{Drop: []string{"a.*"}, Keep: []string{"a.b"}}, `<w><a>patron<b>1</b></a></w>`, `<w><a><b>1</b></a></w>`, "drop a.*"},
		"an instruction":        {privacy.Config{Mask: []string{"a"}}, `<?xml version="1.0"?><?patron 4711?><w><?patron 4711?><a>x</a><!-- 4711 --></w>`, `<?xml version="1.0"?><w><a>***</a></w>`, "mask a, drop comments"},
		"a wrong declaration":   {privacy.Config{Mask: []string{"a"}}, `<?xml version="1.0" encoding="UTF-16"?><w><a>é</a><b>é</b></w>`, `<?xml version="1.0" encoding="UTF-16"?><w><a>***</a><b>é</b></w>`, "mask a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := event.Event{ID: "7", Source: "alma", Action: "loan", Header: map[string]string{"X": "y"}, Data: []byte(c.body)}
			got, err := redactor(t, c.cfg).Event(e)
			if c.want == "" && c.body != "" {
				if err == nil {
					t.Fatalf("%s", got.Data)
				}
				return
			}
			if err != nil || string(got.Data) != c.want || got.Header[privacy.Header] != c.by {
				t.Errorf("%v\n%s\n%s\n%s", err, got.Data, c.want, got.Header[privacy.Header])
			}
			if len(e.Header) != 1 || string(e.Data) != c.body || got.ID != "7" || got.Header["X"] != "y" {
				t.Errorf("changed: %v, %s", e, e.Data)
			}
			again, err := redactor(t, c.cfg).Event(got)
			if err != nil || string(again.Data) != c.want || again.Header[privacy.Header] != c.by {
				t.Errorf("the second time: %v %s %s", err, again.Data, again.Header)
			}
		})
	}
}

func TestUnreadableBodiesAreDropped(t *testing.T) {
	t.Parallel()
	r := redactor(t, privacy.Config{Drop: []string{"x"}})
	for _, body := range []string{
		`{"a":`, `patron`, `"patron"`, `12`, `a=patron`, "\x1f\x8b\x08patron", `[1,]`, `{"a":1} patron`, strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000),
		`<w a='patron'b='1'/>`, `<w>patron`, `<w></v>`, `<w/>patron`, `<w/><v/>`, `<w>&patron;</w>`, "<w>\xfe</w>", `<!-- patron -->`, "\xff\xfe<\x00w\x00", " \xef\xbb\xbf{}",
	} {
		got, err := r.Event(event.Event{ID: "7", Data: []byte(body)})
		if !errors.Is(err, privacy.ErrUnreadable) || got.Data != nil || got.ID != "7" || got.Header[privacy.Header] != "drop body" || strings.Contains(err.Error(), "patron") {
			t.Errorf("%.40q: %v, %+v", body, err, got)
		}
	}
}

func TestConfigurationErrors(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]privacy.Config{
		"says nothing":                      {},
		`set "patrons"`:                     {Set: "patrons"},
		`"a..b" is not a path`:              {Drop: []string{"a..b"}},
		`"a b" is not a path`:               {Drop: []string{"a b"}},
		`"" is not a path`:                  {Mask: []string{""}},
		`hash: "a" is there twice`:          {Drop: []string{"a"}, Hash: []string{"a"}, Key: key},
		"redact_key is needed":              {Hash: []string{"a"}, Key: "short"},
		"so redact_key is needed at the to": {Set: privacy.AlmaPatrons},
		"129 paths":                         {Drop: strings.Fields(strings.Repeat("a ", 129))},
	} {
		if strings.HasPrefix(want, "129") {
			for i := range cfg.Drop {
				cfg.Drop[i] += strings.Repeat("x", i%100) + strings.Repeat("y", i/100)
			}
		}
		if _, err := privacy.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
}

func TestAConfigurationIsShownWithoutItsKey(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]privacy.Config{
		"drop a":               {Drop: []string{"a"}, Key: key},
		"alma-patrons":         {Set: privacy.AlmaPatrons, Key: key},
		"alma-patrons, mask a": {Set: privacy.AlmaPatrons, Mask: []string{"a"}, Key: key},
	} {
		if got := cfg.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
