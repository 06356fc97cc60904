// Package jsonschema says whether a JSON document is as a schema has it. It knows the
// part of draft 2020-12 that this module's own schemas use, and refuses a schema that
// uses more, so that nothing in one goes unchecked.
package jsonschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// Validate returns nil if the document is one JSON value as the schema has it, else an
// error that names the first place that is not, as a path: /verdicts/0/pairs.
func Validate(schema, document []byte) error { return validate(schema, document, false) }

// ValidateAll is Validate, and objects may hold no property but those that the schema
// names.
func ValidateAll(schema, document []byte) error { return validate(schema, document, true) }

func validate(schema, document []byte, closed bool) error {
	root, err := decode(schema)
	if err != nil {
		return fmt.Errorf("the schema: %w", err)
	}
	value, err := decode(document)
	if err != nil {
		return err
	}
	object, ok := root.(map[string]any)
	if !ok {
		return errors.New("the schema is no object")
	}
	return checker{root: object, closed: closed}.check("", object, value)
}

// decode reads one JSON value.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

type checker struct {
	root   map[string]any
	closed bool
}

// check applies every keyword of a schema to the value at a path.
func (c checker) check(at string, schema map[string]any, value any) error {
	for _, keyword := range slices.Sorted(maps.Keys(schema)) {
		rule := schema[keyword]
		if err := c.apply(at, keyword, rule, schema, value); err != nil {
			return err
		}
	}
	return nil
}

func (c checker) apply(at, keyword string, rule any, schema map[string]any, value any) error {
	switch keyword {
	case "$schema", "$id", "$defs", "title", "description":
		return nil
	case "$ref":
		target, err := c.resolve(rule)
		if err != nil {
			return err
		}
		return c.check(at, target, value)
	case "type":
		return ofType(at, rule, value)
	case "const", "enum":
		return among(at, keyword, rule, value)
	case "minimum", "maximum":
		return within(at, keyword, rule, value)
	case "pattern":
		return matches(at, rule, value)
	case "required":
		return required(at, rule, value)
	case "items":
		return c.items(at, rule, value)
	case "properties", "additionalProperties":
		return c.properties(at, keyword, schema, value)
	}
	return fmt.Errorf("the schema uses %q, which is not known here", keyword)
}

func (c checker) resolve(rule any) (map[string]any, error) {
	path, _ := rule.(string)
	name, ok := strings.CutPrefix(path, "#/$defs/")
	defs, _ := c.root["$defs"].(map[string]any)
	target, found := defs[name].(map[string]any)
	if !ok || !found {
		return nil, fmt.Errorf("the schema refers to %q, which it does not define", path)
	}
	return target, nil
}

func (c checker) items(at string, rule, value any) error {
	list, ok := value.([]any)
	schema, isSchema := rule.(map[string]any)
	if !ok || !isSchema {
		return nil
	}
	for i, item := range list {
		if err := c.check(fmt.Sprintf("%s/%d", at, i), schema, item); err != nil {
			return err
		}
	}
	return nil
}

func (c checker) properties(at, keyword string, schema map[string]any, value any) error {
	object, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	named, _ := schema["properties"].(map[string]any)
	others, open := schema["additionalProperties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		rule, known := named[name].(map[string]any)
		switch {
		case known && keyword == "properties":
		case !known && open:
			rule = others
		case !known && (c.closed || schema["additionalProperties"] == false):
			return fmt.Errorf("%s/%s is not a property that the schema names", at, name)
		default:
			continue
		}
		if err := c.check(at+"/"+name, rule, object[name]); err != nil {
			return err
		}
	}
	return nil
}

// typeOf names the type of a value as schemas do.
func typeOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	}
	return "object"
}

func ofType(at string, rule, value any) error {
	types, ok := rule.([]any)
	if !ok {
		types = []any{rule}
	}
	is := typeOf(value)
	for _, t := range types {
		if t == is || t == "number" && is == "integer" {
			return nil
		}
	}
	return fmt.Errorf("%s is of type %s, not %v", place(at), is, rule)
}

func among(at, keyword string, rule, value any) error {
	allowed, ok := rule.([]any)
	if keyword == "const" || !ok {
		allowed = []any{rule}
	}
	if !slices.ContainsFunc(allowed, func(a any) bool { return equal(a, value) }) {
		return fmt.Errorf("%s is %s, not one of %s", place(at), shown(value), shown(allowed))
	}
	return nil
}

func equal(a, b any) bool { return shown(a) == shown(b) }

// shown is a value as JSON, cut where it is long.
func shown(value any) string {
	text, err := json.Marshal(value)
	if err != nil || len(text) > 200 {
		return "too long to show"
	}
	return string(text)
}

func within(at, keyword string, rule, value any) error {
	limit, ok := rule.(float64)
	v, is := value.(float64)
	if ok && is && (keyword == "minimum" && v < limit || keyword == "maximum" && v > limit) {
		return fmt.Errorf("%s is %v, and its %s is %v", place(at), v, keyword, limit)
	}
	return nil
}

func matches(at string, rule, value any) error {
	pattern, ok := rule.(string)
	v, is := value.(string)
	if !ok || !is {
		return nil
	}
	expression, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Errorf("the schema's pattern %q: %w", pattern, err)
	}
	if !expression.MatchString(v) {
		return fmt.Errorf("%s is %s, which is not as %s has it", place(at), shown(v), pattern)
	}
	return nil
}

func required(at string, rule, value any) error {
	object, ok := value.(map[string]any)
	names, isList := rule.([]any)
	if !ok || !isList {
		return nil
	}
	for _, n := range names {
		name, _ := n.(string)
		if _, there := object[name]; !there {
			return fmt.Errorf("%s has no %q", place(at), name)
		}
	}
	return nil
}

// place is a path as errors name it.
func place(at string) string {
	if at == "" {
		return "the document"
	}
	return at
}
