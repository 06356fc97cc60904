package safetytest

import (
	"reflect"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
)

// asking are the fields of Config that say how replies are got, what they may cost and who
// is told, and not how those that were recorded are counted; System and Judge are recorded
// with the policy, and SamplingSeed by the record itself.
var asking = map[string]bool{
	"APIKey": true, "Protocol": true, "Concurrency": true, "Timeout": true, "AdaptConcurrency": true, "RequestsPerMinute": true, "TokensPerMinute": true,
	"MaxCalls": true, "MaxSpendTokens": true, "Prices": true, "Currency": true, "MaxCost": true, "Dir": true, "Run": true, "Replies": true, "MaxAge": true,
	"OnlyThisRun": true, "Release": true, "FewTargets": true, "ShareSeeds": true, "SamplingSeed": true, "System": true, "Judge": true, "patient": true,
	"OnPace": true, "OnVerdict": true, "OnInconclusive": true, "Reproduce": true,
}

// Whatever decides how recorded replies are counted comes back from a record: a field that
// is lost on the way lets them be counted in another way when they are read again.
func TestWhatCountsRepliesIsStored(t *testing.T) {
	for i := range reflect.TypeFor[Config]().NumField() {
		name := reflect.TypeFor[Config]().Field(i).Name
		if asking[name] {
			continue
		}
		var c Config
		switch field := reflect.ValueOf(&c).Elem().Field(i); v := field.Interface().(type) {
		case string:
			field.SetString("other")
		case chat.Sampling:
			field.Set(reflect.ValueOf(DefaultSampling()))
		case []string:
			field.Set(reflect.ValueOf([]string{"cache"}))
		case map[string]Endpoint:
			field.Set(reflect.ValueOf(map[string]Endpoint{"baseline": {BaseURL: "http://127.0.0.1:1/v1", Model: "before"}}))
		default:
			switch {
			case field.CanInt():
				field.SetInt(3)
			case field.Kind() == reflect.Bool:
				field.SetBool(true)
			default:
				t.Fatalf("this test needs a value of %s, a %T, or its name in the list above", name, v)
			}
		}
		back := c.stored().restored(record.Setup{Model: c.Model, Sampling: c.Sampling}, record.Manifest{Endpoint: c.BaseURL})
		want, got := reflect.ValueOf(c).Field(i).Interface(), reflect.ValueOf(back).Field(i).Interface()
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%s is %v when the record is read again, and was %v", name, got, want)
		}
	}
}
