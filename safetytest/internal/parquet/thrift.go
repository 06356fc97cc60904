package parquet

import (
	"bytes"
	"encoding/binary"
)

// thrift writes structures in the compact protocol of Apache Thrift, in which Parquet
// keeps what it says of its data.
type thrift struct {
	bytes.Buffer
	last  int16   // field that was written last in this structure
	outer []int16 // those of the structures around it
}

// The protocol's types.
const (
	kindI32    = 5
	kindI64    = 6
	kindBinary = 8
	kindList   = 9
	kindStruct = 12
)

// field writes the head of a field. Fields of a structure ascend.
func (t *thrift) field(id int16, kind byte) {
	if delta := id - t.last; delta > 0 && delta <= 15 {
		t.WriteByte(byte(delta)<<4 | kind)
	} else {
		t.WriteByte(kind)
		t.number(int64(id))
	}
	t.last = id
}

func (t *thrift) number(n int64) { t.Write(binary.AppendVarint(nil, n)) }

func (t *thrift) i32(id int16, n int64) {
	t.field(id, kindI32)
	t.number(n)
}

func (t *thrift) i64(id int16, n int64) {
	t.field(id, kindI64)
	t.number(n)
}

func (t *thrift) string(s string) {
	t.Write(binary.AppendUvarint(nil, uint64(len(s))))
	t.WriteString(s)
}

func (t *thrift) text(id int16, s string) {
	t.field(id, kindBinary)
	t.string(s)
}

func (t *thrift) listHead(id int16, n int, kind byte) {
	t.field(id, kindList)
	if n < 15 {
		t.WriteByte(byte(n)<<4 | kind)
		return
	}
	t.WriteByte(0xf0 | kind)
	t.Write(binary.AppendUvarint(nil, uint64(n)))
}

// list begins a list of structures, each of which element begins and end ends.
func (t *thrift) list(id int16, n int) { t.listHead(id, n, kindStruct) }

func (t *thrift) texts(id int16, all ...string) {
	t.listHead(id, len(all), kindBinary)
	for _, s := range all {
		t.string(s)
	}
}

func (t *thrift) i32s(id int16, all ...int64) {
	t.listHead(id, len(all), kindI32)
	for _, n := range all {
		t.number(n)
	}
}

// element begins a structure of a list, begin one that is a field.
func (t *thrift) element() {
	t.outer = append(t.outer, t.last)
	t.last = 0
}

func (t *thrift) begin(id int16) {
	t.field(id, kindStruct)
	t.element()
}

// end ends a structure within another, stop the outermost one.
func (t *thrift) end() {
	t.stop()
	n := len(t.outer) - 1
	t.last, t.outer = t.outer[n], t.outer[:n]
}

func (t *thrift) stop() { t.WriteByte(0) }
