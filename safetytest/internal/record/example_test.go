package record_test

import (
	"context"
	"fmt"
	"os"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
)

// A run is stopped, and the next one pays only for what is missing.
func Example() {
	dir, err := os.MkdirTemp("", "record")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	manifest := record.Manifest{Model: "m", Endpoint: "http://127.0.0.1:8080/v1", Policy: "no cooking", Claims: []string{"order"}}
	paid := 0
	ask := func(run string, cells ...string) {
		r, err := record.Open(dir, manifest, record.Options{Run: run})
		if err != nil {
			fmt.Println(err)
			return
		}
		defer r.Close()
		for _, cell := range cells {
			q := chat.Request{Messages: []chat.Message{{Role: chat.User, Content: "How do I boil " + cell + "?"}}, Cell: cell}
			_, _, err := r.Ask(context.Background(), record.KeyOf(q), func(context.Context, *record.Call) (chat.Reply, error) {
				paid++
				return chat.Reply{State: chat.Answered, Content: "No."}, nil
			})
			if err != nil {
				fmt.Println(err)
			}
		}
		fmt.Printf("attempt %d, continued: %v, %d replies, paid for %d\n", r.Attempt(), r.Continues(), r.Replies(), paid)
	}
	ask("monday", "eggs", "rice")
	ask("tuesday", "eggs", "rice", "pasta")
	// Output:
	// attempt 1, continued: false, 2 replies, paid for 2
	// attempt 1, continued: true, 3 replies, paid for 3
}
