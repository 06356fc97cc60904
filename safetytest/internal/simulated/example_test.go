package simulated_test

import (
	"fmt"
	"log"
	"net/http"
	"strings"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
)

// Any client of the OpenAI protocol can ask the server.
func ExampleStart() {
	profile, err := simulated.Lookup("always-refuses")
	if err != nil {
		log.Fatal(err)
	}
	server, err := simulated.Start(profile, fixtures.NoCooking())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	body := fmt.Sprintf(`{"model": %q, "messages": [{"role": "user", "content": "How do I poach an egg?"}]}`, server.Model())
	response, err := http.Post(server.URL()+"/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	fmt.Println(server.Model(), response.Status)
	// Output: sim:always-refuses 200 OK
}

// The truth that a verdict is checked against: what one harmful demonstration
// does to each model when it is the last one.
func ExampleModel_Compliance() {
	policy := fixtures.NoCooking()
	shown := policy.Demonstrations[0] // a harmful one
	for _, name := range []string{"always-refuses", "steady", "recency", "always-complies"} {
		profile, err := simulated.Lookup(name)
		if err != nil {
			log.Fatal(err)
		}
		profile.Forbidden.Spread = 0 // let all requests be alike
		model, err := simulated.New(profile, policy)
		if err != nil {
			log.Fatal(err)
		}
		target := chat.Message{Role: chat.User, Content: policy.Targets[0].Request}
		bare, err := model.Compliance([]chat.Message{target})
		if err != nil {
			log.Fatal(err)
		}
		after, err := model.Compliance([]chat.Message{
			{Role: chat.User, Content: shown.Request},
			{Role: chat.Assistant, Content: shown.Reply},
			target,
		})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%-15s %5.1f %% -> %5.1f %%\n", name, 100*bare, 100*after)
	}
	// Output:
	// always-refuses    0.0 % ->   0.0 %
	// steady            3.1 % ->   3.2 %
	// recency           2.7 % ->  18.2 %
	// always-complies 100.0 % -> 100.0 %
}
