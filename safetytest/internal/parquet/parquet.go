// Package parquet writes flat tables as Apache Parquet files: texts, whole numbers,
// numbers, truth values and times, of which numbers may be missing. It knows no more of
// the format than that takes, and reads nothing.
//
// Values are written plain in pages of the first version and compressed by gzip, which
// every reader of the format knows.
package parquet

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// Type is what a column holds.
type Type int

// The types of columns.
const (
	Text   Type = iota // string
	Int                // int
	Float              // float64
	Number             // *float64, nil where it is missing
	Bool               // bool
	Time               // time.Time, to the millisecond
)

// Column is a column of a table.
type Column struct {
	Name string
	Type Type
}

// The format's own numbers.
const (
	magic = "PAR1"

	physicalBoolean   = 0
	physicalInt64     = 2
	physicalDouble    = 5
	physicalByteArray = 6

	convertedUTF8   = 0
	convertedMillis = 9

	required, optional = 0, 1
	plain, rle         = 0, 3
	codecGzip          = 2
	dataPage           = 0
)

func (t Type) physical() int64 {
	switch t {
	case Text:
		return physicalByteArray
	case Bool:
		return physicalBoolean
	case Float, Number:
		return physicalDouble
	}
	return physicalInt64
}

// A group of rows is written when it has so many rows or bytes.
const groupRows, groupBytes = 50_000, 32 << 20

// Writer writes a table. Errors of the writer below are reported by the call that meets
// them.
type Writer struct {
	out     io.Writer
	at      int64
	columns []buffered
	rows    int // of the group
	size    int
	total   int64
	groups  []group
}

// buffered is a column of the group that is being filled.
type buffered struct {
	Column
	values  bytes.Buffer
	bits    []byte // of truth values
	n       int
	defined []byte // of a column whose values may be missing: 1 for each that is there
}

// group is a group of rows that was written.
type group struct {
	rows   int64
	size   int64
	chunks []chunk
}

// chunk is a column within a group.
type chunk struct {
	at, values      int64
	raw, compressed int64 // with the head of its page
}

// NewWriter begins a table.
func NewWriter(out io.Writer, columns []Column) (*Writer, error) {
	if len(columns) == 0 {
		return nil, errors.New("parquet: a table needs a column")
	}
	w := &Writer{out: out}
	for _, c := range columns {
		if c.Name == "" || c.Type < Text || c.Type > Time {
			return nil, fmt.Errorf("parquet: column %q of type %d has no name, or its type is none", c.Name, c.Type)
		}
		w.columns = append(w.columns, buffered{Column: c})
	}
	return w, w.put([]byte(magic))
}

func (w *Writer) put(b []byte) error {
	n, err := w.out.Write(b)
	w.at += int64(n)
	return err
}

// Write adds a row: a value for each column, of the Go type that its type names.
func (w *Writer) Write(row ...any) error {
	if len(row) != len(w.columns) {
		return fmt.Errorf("parquet: %d values for %d columns", len(row), len(w.columns))
	}
	for i := range w.columns {
		n, err := w.columns[i].add(row[i])
		if err != nil {
			return err
		}
		w.size += n
	}
	if w.rows++; w.rows < groupRows && w.size < groupBytes {
		return nil
	}
	return w.flush()
}

// add takes up a value and says how many bytes it took.
func (c *buffered) add(value any) (int, error) {
	before := c.values.Len()
	if !c.take(value) {
		return 0, fmt.Errorf("parquet: column %q cannot hold a %T", c.Name, value)
	}
	c.n++
	return c.values.Len() - before, nil
}

// take takes up a value of the column's type, and says whether it is one.
func (c *buffered) take(value any) bool {
	switch v := value.(type) {
	case string:
		return c.Type == Text && c.text(strings.ToValidUTF8(v, "\ufffd"))
	case int:
		return c.Type == Int && c.number(uint64(v))
	case float64:
		return c.Type == Float && c.number(math.Float64bits(v))
	case time.Time:
		return c.Type == Time && c.number(uint64(v.UnixMilli()))
	case bool:
		return c.Type == Bool && c.bit(v)
	case *float64:
		if c.Type != Number {
			return false
		}
		if v == nil {
			c.defined = append(c.defined, 0)
			return true
		}
		c.defined = append(c.defined, 1)
		return c.number(math.Float64bits(*v))
	}
	return false
}

func (c *buffered) text(text string) bool {
	c.values.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(text))))
	c.values.WriteString(text)
	return true
}

func (c *buffered) number(n uint64) bool {
	c.values.Write(binary.LittleEndian.AppendUint64(nil, n))
	return true
}

func (c *buffered) bit(yes bool) bool {
	if c.n%8 == 0 {
		c.bits = append(c.bits, 0)
	}
	if yes {
		c.bits[len(c.bits)-1] |= 1 << (c.n % 8)
	}
	return true
}

// flush writes the group of rows that is being filled.
func (w *Writer) flush() error {
	if w.rows == 0 {
		return nil
	}
	g := group{rows: int64(w.rows)}
	for i := range w.columns {
		c := &w.columns[i]
		x, err := w.chunk(c)
		if err != nil {
			return err
		}
		g.chunks, g.size = append(g.chunks, x), g.size+x.raw
		c.values.Reset()
		c.bits, c.defined, c.n = nil, nil, 0
	}
	w.groups, w.total = append(w.groups, g), w.total+g.rows
	w.rows, w.size = 0, 0
	return nil
}

// chunk writes a column of the group as one page.
func (w *Writer) chunk(c *buffered) (chunk, error) {
	var body bytes.Buffer
	if c.Type == Number {
		levels := runs(c.defined)
		body.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(levels))))
		body.Write(levels)
	}
	body.Write(c.values.Bytes())
	body.Write(c.bits)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(body.Bytes())
	if err = errors.Join(err, z.Close()); err != nil {
		return chunk{}, err
	}
	var head thrift
	head.i32(1, dataPage)
	head.i32(2, int64(body.Len()))
	head.i32(3, int64(packed.Len()))
	head.begin(5)
	head.i32(1, int64(c.n))
	head.i32(2, plain)
	head.i32(3, rle)
	head.i32(4, rle)
	head.end()
	head.stop()
	x := chunk{at: w.at, values: int64(c.n), raw: int64(head.Len() + body.Len()), compressed: int64(head.Len() + packed.Len())}
	return x, errors.Join(w.put(head.Bytes()), w.put(packed.Bytes()))
}

// runs writes levels of one bit as runs of equal ones.
func runs(levels []byte) []byte {
	var out []byte
	for i := 0; i < len(levels); {
		end := i
		for end < len(levels) && levels[end] == levels[i] {
			end++
		}
		out = append(binary.AppendUvarint(out, uint64(end-i)<<1), levels[i])
		i = end
	}
	return out
}

// Close writes what is left and the table's end. It does not close the writer below.
func (w *Writer) Close() error {
	if err := w.flush(); err != nil {
		return err
	}
	var t thrift
	t.i32(1, 1)
	t.list(2, len(w.columns)+1)
	t.element()
	t.text(4, "schema")
	t.i32(5, int64(len(w.columns)))
	t.end()
	for _, c := range w.columns {
		t.element()
		t.i32(1, c.Type.physical())
		repetition := int64(required)
		if c.Type == Number {
			repetition = optional
		}
		t.i32(3, repetition)
		t.text(4, c.Name)
		switch c.Type {
		case Text:
			t.i32(6, convertedUTF8)
		case Time:
			t.i32(6, convertedMillis)
		}
		t.end()
	}
	t.i64(3, w.total)
	t.list(4, len(w.groups))
	for _, g := range w.groups {
		t.element()
		w.group(&t, g)
		t.end()
	}
	t.text(6, "safetyspec")
	t.stop()
	foot := binary.LittleEndian.AppendUint32(t.Bytes(), uint32(t.Len()))
	return w.put(append(foot, magic...))
}

func (w *Writer) group(t *thrift, g group) {
	t.list(1, len(g.chunks))
	for i, x := range g.chunks {
		c := w.columns[i]
		t.element()
		t.i64(2, x.at)
		t.begin(3)
		t.i32(1, c.Type.physical())
		t.i32s(2, plain, rle)
		t.texts(3, c.Name)
		t.i32(4, codecGzip)
		t.i64(5, x.values)
		t.i64(6, x.raw)
		t.i64(7, x.compressed)
		t.i64(9, x.at)
		t.end()
		t.end()
	}
	t.i64(2, g.size)
	t.i64(3, g.rows)
}
