package experiment

import (
	"context"
	"errors"
	"testing"
)

// Who waits for another claim to find out about an endpoint waits no longer than its own
// time, and has its turn when that claim is done.
func TestWaitingForAProbe(t *testing.T) {
	r := NewRun(Parameters{}, nil, "")
	end, err := r.probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.probe(over); !errors.Is(err, context.Canceled) {
		t.Errorf("a claim whose time is over got %v", err)
	}
	end()
	end, err = r.probe(t.Context())
	if err != nil {
		t.Fatalf("the next claim got %v", err)
	}
	end()
}
