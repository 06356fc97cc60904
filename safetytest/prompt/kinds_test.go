package prompt

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// constants reads the names of the constants of type Kind, in their sequence.
func constants(t *testing.T) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "kinds.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		block, ok := d.(*ast.GenDecl)
		if !ok || block.Tok != token.CONST {
			continue
		}
		first := block.Specs[0].(*ast.ValueSpec)
		if typ, ok := first.Type.(*ast.Ident); !ok || typ.Name != "Kind" {
			continue
		}
		for _, spec := range block.Specs {
			names = append(names, spec.(*ast.ValueSpec).Names[0].Name)
		}
	}
	if len(names) < 7 {
		t.Fatalf("found only the constants %v", names)
	}
	return names
}

// Each constant has its row, in its place, and each row the field of a mix that has
// the constant's name; no field counts nothing. A kind that is missing somewhere
// would be shown as another one, or not at all.
func TestEveryKindHasItsRowAndItsField(t *testing.T) {
	names := constants(t)
	for i, name := range names {
		k := Kind(i + 1)
		s, ok := k.Shows()
		if !ok {
			t.Errorf("%s has no row in the table", name)
			continue
		}
		if kinds[i].kind != k {
			t.Errorf("row %d of the table is that of %v, want %s", i, kinds[i].kind, name)
		}
		var m Mix
		field := reflect.ValueOf(&m).Elem().FieldByName(name)
		if !field.IsValid() || field.Kind() != reflect.Int {
			t.Errorf("Mix has no field %s", name)
			continue
		}
		field.SetInt(3)
		if m.Count(k) != 3 || m.Len() != 3 || m.Kinds() != 1 {
			t.Errorf("%s: the row counts another field of the mix: %d of %d", name, m.Count(k), m.Len())
		}
		if of := k.Edits(); of != 0 && (!k.Pooled() || !of.Pooled() || of.Edits() != 0) {
			t.Errorf("%s edits %v: both must come from the pool, and what is edited must edit nothing", name, of)
		}
		if k.Pooled() && s == (Shows{}) || !k.Pooled() && s != (Shows{}) {
			t.Errorf("%s: a demonstration of the pool declines or answers, and no other does", name)
		}
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Mix]()) {
		if f.Type.Kind() == reflect.Int && !slices.Contains(names, f.Name) {
			t.Errorf("the field %s of Mix is that of no kind", f.Name)
		}
	}
	if len(kinds) != len(names) {
		t.Errorf("the table has %d rows for %d kinds", len(kinds), len(names))
	}
}

// Letters and names tell kinds apart, so that a pattern and a file can be read back.
func TestLettersAndNamesTellKindsApart(t *testing.T) {
	letters, named := map[byte]Kind{}, map[string]Kind{}
	for _, r := range kinds {
		if r.letter < 'A' || r.letter > 'Z' || letters[r.letter] != 0 {
			t.Errorf("%v: the letter %q is none of its own", r.kind, r.letter)
		}
		if r.name == "" || named[r.name] != 0 {
			t.Errorf("%v: the name %q is none of its own", r.kind, r.name)
		}
		letters[r.letter], named[r.name] = r.kind, r.kind
		if kindOf(r.letter) != r.kind {
			t.Errorf("the letter %q names %v, want %v", r.letter, kindOf(r.letter), r.kind)
		}
	}
}

// A mix of one demonstration of each kind can be filled, in every order, and each
// stands there once: the pool has all that comes from it.
func TestEveryKindCanBeShown(t *testing.T) {
	var demos []Demonstration
	m, pattern := Mix{}, ""
	for i, r := range kinds {
		m, pattern = m.with(1, r.kind), pattern+string(r.letter)
		for _, request := range []string{"one", "two"} {
			d := Demonstration{ID: r.name + request, Kind: r.kind, Request: r.name + request, Reply: "yes"}
			if r.edits != 0 {
				d.RewriteOf = r.edits.String() + request
			}
			if r.kind.Pooled() {
				demos = append(demos, d)
			}
		}
		if m.Kinds() != i+1 {
			t.Fatalf("%s adds no kind to the mix", r.name)
		}
	}
	pool, err := NewPool(demos)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Order{HarmfulFirst, HarmfulLast, HarmfulMiddle, HarmfulOutside, Interleaved, Shuffled, Reshuffled(1), LastK(1), Written(pattern)} {
		shown, err := pool.Draw(1, 0).Fill(Composition{Mix: m.Ordered(o)}, "")
		if err != nil {
			t.Errorf("%s: %v", o, err)
			continue
		}
		var got []Kind
		for _, d := range shown {
			got = append(got, d.Kind)
		}
		if slices.Sort(got); !slices.Equal(got, Kinds()) {
			t.Errorf("%s shows %v, want every kind once", o, got)
		}
	}
}

// An edit stands where the one would that it edits, in every order.
func TestEditsStandInTheirPlaces(t *testing.T) {
	m := Mix{Harmful: 2, Rewritten: 1, Benign: 1, Filler: 2}
	for o, want := range map[Order]string{
		HarmfulFirst: "HHWBFF", HarmfulLast: "BFFHHW", HarmfulMiddle: "BHHWFF", HarmfulOutside: "HBFFHW", LastK(2): "WBFFHH", Interleaved: "HFHBFW",
	} {
		if got := o.arrange(m, nil); got != want {
			t.Errorf("%s: got %s, want %s", o, got, want)
		}
	}
	// What is edited takes its place with it when the order is at random.
	key := func(letter byte, i int) uint64 { return uint64(letter) + uint64(i) }
	if got := Shuffled.arrange(Mix{Refusal: 1, Rewritten: 1}, key); got != "WR" {
		t.Errorf("shuffled: got %s, want WR", got)
	}
}

// Filler is written to a length, and a pool that holds some is refused.
func TestNoPoolHoldsWhatIsWritten(t *testing.T) {
	_, err := NewPool([]Demonstration{{ID: "x", Kind: Filler, Request: "a", Reply: "b"}})
	if want := `demonstration "x" is filler: filler is written`; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got error %v, want %s", err, want)
	}
}

// What is no kind is reported wherever it comes from, and is never filler.
func TestUnknownKindsAreReported(t *testing.T) {
	for _, k := range []Kind{0, -1, Kind(len(kinds) + 1)} {
		if s, ok := k.Shows(); ok || s != (Shows{}) || k.Pooled() || k.Edits() != 0 || k.letter() != 0 || (Mix{Filler: 1}).Count(k) != 0 {
			t.Errorf("%v is taken for a kind", k)
		}
		if _, err := NewPool([]Demonstration{{ID: "x", Kind: k, Request: "a", Reply: "b"}}); err == nil {
			t.Errorf("a pool takes a demonstration of kind %v", k)
		}
		if err := (Composition{Added: 1, Kind: k}).Validate(); err == nil {
			t.Errorf("a composition adds a demonstration of kind %v", k)
		}
		if err := (Composition{Mix: Mix{Filler: 1}, FillerLike: k}).Validate(); err == nil && k != 0 {
			t.Errorf("filler may be as long as demonstrations of kind %v", k)
		}
	}
	if err := (Composition{Mix: Mix{Filler: 1}, FillerLike: Filler}).Validate(); err == nil {
		t.Error("filler may be as long as itself")
	}
}
