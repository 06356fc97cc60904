package jsonschema

import (
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	const thing = `{"$defs":{"n":{"type":"integer","minimum":1,"maximum":9}},"type":"object","required":["a"],"properties":{
		"a":{"type":["string","null"],"pattern":"^x"},"b":{"type":"array","items":{"$ref":"#/$defs/n"}},"c":{"enum":["u",2]},"d":{"const":true},
		"m":{"type":"object","additionalProperties":{"type":"number"}},"s":{"type":"object","properties":{"k":{"type":"boolean"}},"additionalProperties":false}}}`
	for _, c := range []struct{ schema, document, says string }{
		{thing, `{"a":"xy","b":[1,9],"c":2,"d":true,"m":{"k":1.5},"s":{"k":false},"other":1}`, ""},
		{thing, `{"a":null}`, ""},
		{thing, `[]`, "the document is of type array, not object"},
		{thing, `{}`, `the document has no "a"`},
		{thing, `{"a":"y"}`, `/a is "y", which is not as ^x has it`},
		{thing, `{"a":1}`, `/a is of type integer`},
		{thing, `{"a":null,"b":[1,10]}`, "/b/1 is 10, and its maximum is 9"},
		{thing, `{"a":null,"b":[0]}`, "/b/0 is 0, and its minimum is 1"},
		{thing, `{"a":null,"b":[1.5]}`, "/b/0 is of type number, not integer"},
		{thing, `{"a":null,"b":{}}`, "/b is of type object"},
		{thing, `{"a":null,"c":"v"}`, `/c is "v", not one of ["u",2]`},
		{thing, `{"a":null,"d":false}`, "/d is false"},
		{thing, `{"a":null,"m":{"k":"1"}}`, "/m/k is of type string, not number"},
		{thing, `{"a":null,"s":{"l":true}}`, "/s/l is not a property that the schema names"},
		{thing, `{"a":null} {}`, "more than one JSON value"},
		{thing, `{"a"`, "it is not JSON"},
		{`{"oneOf":[]}`, `{}`, `the schema uses "oneOf"`},
		{`{"$ref":"#/$defs/none"}`, `{}`, `refers to "#/$defs/none"`},
		{`[]`, `{}`, "the schema is no object"},
	} {
		err := Validate([]byte(c.schema), []byte(c.document))
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", c.document, err, c.says)
		}
	}
	if err := ValidateAll([]byte(thing), []byte(`{"a":null,"other":1}`)); err == nil || !strings.Contains(err.Error(), "/other is not a property") {
		t.Errorf("a property that the schema does not name: %v", err)
	}
}
