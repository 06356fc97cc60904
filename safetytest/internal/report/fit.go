package report

import (
	"reflect"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// fit is the document with every text in one line that is fit to be printed, whoever
// made it. Conversations are left out.
func fit(d Document) Document {
	d.Cells = nil
	v := reflect.ValueOf(&d).Elem()
	v.Set(fitted(v))
	return d
}

// fitted is a value with all of its texts made fit. What it points to is copied.
func fitted(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.String:
		out.SetString(plain.Line(v.String()))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(fitted(v.Field(i)))
			}
		}
	case reflect.Slice:
		if v.IsNil() {
			break
		}
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(fitted(v.Index(i)))
		}
	case reflect.Map:
		if v.IsNil() {
			break
		}
		out.Set(reflect.MakeMap(v.Type()))
		for _, k := range v.MapKeys() {
			out.SetMapIndex(fitted(k), fitted(v.MapIndex(k)))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(fitted(v.Elem()))
		}
	}
	return out
}
