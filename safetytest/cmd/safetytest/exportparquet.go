package main

import (
	"io"

	"github.com/safetyspec/safetyspec/safetytest/internal/parquet"
	"github.com/safetyspec/safetyspec/safetytest/internal/runs"
)

// parquetRows writes the table as Parquet, with the texts as they are.
type parquetRows struct {
	w       *parquet.Writer
	columns []column
	err     error // of beginning the table
}

func newParquet(w io.Writer, texts bool) rowWriter {
	p := &parquetRows{columns: columnsOfRows(texts)}
	types := make([]parquet.Column, len(p.columns))
	for i, c := range p.columns {
		types[i] = parquet.Column{Name: c.name, Type: typeOf(c.of(&runs.Row{}))}
	}
	p.w, p.err = parquet.NewWriter(w, types)
	return p
}

// typeOf is the type of a column that holds such values.
func typeOf(value any) parquet.Type {
	switch value.(type) {
	case string:
		return parquet.Text
	case int:
		return parquet.Int
	case float64:
		return parquet.Float
	case *float64:
		return parquet.Number
	case bool:
		return parquet.Bool
	}
	return parquet.Time
}

func (p *parquetRows) write(row runs.Row) error {
	if p.err != nil {
		return p.err
	}
	values := make([]any, len(p.columns))
	for i, c := range p.columns {
		values[i] = c.of(&row)
	}
	return p.w.Write(values...)
}

func (p *parquetRows) close() error {
	if p.err != nil {
		return p.err
	}
	return p.w.Close()
}
