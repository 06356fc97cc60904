package parquet

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"
	"time"
)

// reader reads what the compact protocol of Thrift holds: structures as maps by field.
type reader struct{ *bytes.Reader }

func (r reader) uvarint() uint64 {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		panic(err)
	}
	return n
}

func (r reader) value(kind byte) any {
	switch kind {
	case kindI32, kindI64:
		n, err := binary.ReadVarint(r)
		if err != nil {
			panic(err)
		}
		return n
	case kindBinary:
		text := make([]byte, r.uvarint())
		if _, err := io.ReadFull(r, text); err != nil {
			panic(err)
		}
		return string(text)
	case kindList:
		head, _ := r.ReadByte()
		n := uint64(head >> 4)
		if n == 15 {
			n = r.uvarint()
		}
		var out []any
		for range n {
			out = append(out, r.value(head&15))
		}
		return out
	case kindStruct:
		out, last := map[int64]any{}, int64(0)
		for {
			head, err := r.ReadByte()
			if err != nil || head == 0 {
				return out
			}
			if delta := int64(head >> 4); delta > 0 {
				last += delta
			} else {
				last = r.value(kindI32).(int64)
			}
			out[last] = r.value(head & 15)
		}
	}
	panic(fmt.Sprintf("kind %d", kind))
}

// table reads a whole file back, column by column.
func table(t *testing.T, file []byte) (names []string, columns [][]any) {
	t.Helper()
	if string(file[:4]) != magic || string(file[len(file)-4:]) != magic {
		t.Fatal("the marks are missing")
	}
	size := int(binary.LittleEndian.Uint32(file[len(file)-8:]))
	meta := reader{bytes.NewReader(file[len(file)-8-size : len(file)-8])}.value(kindStruct).(map[int64]any)
	schema := meta[2].([]any)[1:]
	columns = make([][]any, len(schema))
	for _, s := range schema {
		names = append(names, s.(map[int64]any)[4].(string))
	}
	rows := int64(0)
	groups, _ := meta[4].([]any)
	for _, g := range groups {
		rows += g.(map[int64]any)[3].(int64)
		for i, c := range g.(map[int64]any)[1].([]any) {
			of := c.(map[int64]any)[3].(map[int64]any)
			columns[i] = append(columns[i], page(t, file, of, schema[i].(map[int64]any)[3].(int64) == optional)...)
		}
	}
	if rows != meta[3].(int64) {
		t.Errorf("%d rows in groups of %d", rows, meta[3])
	}
	return names, columns
}

func page(t *testing.T, file []byte, of map[int64]any, mayMiss bool) []any {
	t.Helper()
	r := reader{bytes.NewReader(file[of[9].(int64):])}
	before := r.Len()
	head := r.value(kindStruct).(map[int64]any)
	if int64(before-r.Len())+head[3].(int64) != of[7].(int64) || int64(before-r.Len())+head[2].(int64) != of[6].(int64) {
		t.Errorf("the sizes of the page do not fit: %v, %v", head, of)
	}
	z, err := gzip.NewReader(io.LimitReader(r, head[3].(int64)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil || int64(len(body)) != head[2].(int64) {
		t.Fatal(len(body), head, err)
	}
	n := int(head[5].(map[int64]any)[1].(int64))
	defined := bytes.Repeat([]byte{1}, n)
	if mayMiss {
		size := binary.LittleEndian.Uint32(body)
		levels := reader{bytes.NewReader(body[4 : 4+size])}
		body, defined = body[4+size:], nil
		for levels.Len() > 0 {
			run := levels.uvarint()
			level, _ := levels.ReadByte()
			defined = append(defined, bytes.Repeat([]byte{level}, int(run>>1))...)
		}
	}
	var out []any
	for i := range n {
		if defined[i] == 0 {
			out = append(out, nil)
			continue
		}
		switch of[1].(int64) {
		case physicalBoolean:
			out = append(out, body[i/8]>>(i%8)&1 == 1)
		case physicalByteArray:
			size := binary.LittleEndian.Uint32(body)
			out, body = append(out, string(body[4:4+size])), body[4+size:]
		case physicalInt64:
			out, body = append(out, int64(binary.LittleEndian.Uint64(body))), body[8:]
		default:
			out, body = append(out, math.Float64frombits(binary.LittleEndian.Uint64(body))), body[8:]
		}
	}
	return out
}

var all = []Column{{"text", Text}, {"int", Int}, {"float", Float}, {"number", Number}, {"bool", Bool}, {"time", Time}}

// What is written is read back, over several groups of rows.
func TestRoundTrip(t *testing.T) {
	for _, rows := range []int{0, 1, 7, 8, 9, groupRows, groupRows + 3} {
		var file bytes.Buffer
		w, err := NewWriter(&file, all)
		if err != nil {
			t.Fatal(err)
		}
		var want [][]any
		for i := range rows {
			x := float64(i) / 3
			missing := i%3 == 0 || i > 100 && i < 200
			n := &x
			var kept any = x
			if missing {
				n, kept = nil, nil
			}
			at := time.UnixMilli(int64(1e12 + i))
			text := fmt.Sprintf("ö %d\x00", i)
			if err := w.Write(text, -i, x, n, i%5 == 1, at); err != nil {
				t.Fatal(err)
			}
			want = append(want, []any{text, int64(-i), x, kept, i%5 == 1, at.UnixMilli()})
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		names, columns := table(t, file.Bytes())
		for k, c := range columns {
			if names[k] != all[k].Name || len(c) != rows {
				t.Fatalf("%d rows: column %q has %d", rows, names[k], len(c))
			}
			for i := range c {
				if c[i] != want[i][k] {
					t.Fatalf("row %d, %s: %v, want %v", i, names[k], c[i], want[i][k])
				}
			}
		}
	}
}

func TestMistakes(t *testing.T) {
	if _, err := NewWriter(io.Discard, nil); err == nil {
		t.Error("no column")
	}
	if _, err := NewWriter(io.Discard, []Column{{"", Text}}); err == nil {
		t.Error("no name")
	}
	w, err := NewWriter(io.Discard, all[:1])
	if err != nil {
		t.Fatal(err)
	}
	if w.Write() == nil || w.Write(1) == nil || w.Write("a", "b") == nil {
		t.Error("a row that does not fit")
	}
	full := errors.New("full")
	if _, err := NewWriter(failing{full}, all); !errors.Is(err, full) {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// FuzzText writes any texts so that they are read back, as far as they are characters.
func FuzzText(f *testing.F) {
	f.Add("a", "\xff", "")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		var file bytes.Buffer
		w, err := NewWriter(&file, []Column{{"t", Text}})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{a, b, c} {
			if err := w.Write(s); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		_, columns := table(t, file.Bytes())
		for i, s := range []string{a, b, c} {
			if got := columns[0][i]; got != toValid(s) {
				t.Errorf("%q came back as %q", s, got)
			}
		}
	})
}

func toValid(s string) string { return string(bytes.ToValidUTF8([]byte(s), []byte("\ufffd"))) }
