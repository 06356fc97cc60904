package safetytest

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// What a control takes over of a configuration is decided field by field: a field that
// is new must be put into one of the three lists.
func TestWhatAControlTakesOver(t *testing.T) {
	same := strings.Fields("Timeout SendSeed System Draws Batch Choices Seed Stopping Census FewTargets Judge BlockedRefuses Allow")
	own := strings.Fields("Model Models Sampling MaxPairs patient")
	none := strings.Fields(`BaseURL APIKey Protocol Concurrency AdaptConcurrency RequestsPerMinute TokensPerMinute MaxCalls MaxSpendTokens MaxCost Prices Currency
		Dir Run Replies MaxAge OnlyThisRun Rolls Release SamplingSeed ShareSeeds OnPace OnVerdict OnInconclusive Reproduce`)

	var of Config
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if len(f.Index) == 1 && f.IsExported() {
			fill(reflect.ValueOf(&of).Elem().FieldByIndex(f.Index))
		}
	}
	of.Judge = judge.Func(func(context.Context, judge.Exchange) (judge.Judgement, error) { return judge.Judgement{}, nil })
	got := of.ofControl("steady", claim.Claim{Arms: []claim.Arm{{}, {Setting: prompt.Setting{Model: "before"}}}})
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if len(f.Index) > 1 {
			continue
		}
		is, was := reflect.ValueOf(got).FieldByIndex(f.Index), reflect.ValueOf(of).FieldByIndex(f.Index)
		switch {
		case f.Name == "Judge":
			if got.Judge == nil {
				t.Error("the control is read by another judge")
			}
		case slices.Contains(same, f.Name):
			if is.IsZero() || !reflect.DeepEqual(is.Interface(), was.Interface()) {
				t.Errorf("%s is %v, of the configuration %v", f.Name, is, was)
			}
		case slices.Contains(own, f.Name):
			if is.IsZero() || f.IsExported() && reflect.DeepEqual(is.Interface(), was.Interface()) {
				t.Errorf("%s is %v, and should be the control's own", f.Name, is)
			}
		case slices.Contains(none, f.Name):
			if !is.IsZero() {
				t.Errorf("%s is %v, and should be left out", f.Name, is)
			}
		default:
			t.Errorf("nobody decided whether a control takes over %s", f.Name)
		}
	}
}

// fill sets a field to something that is not zero.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint64:
		v.SetUint(1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	case reflect.Func:
		v.Set(reflect.MakeFunc(v.Type(), func([]reflect.Value) []reflect.Value { return nil }))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	}
}
