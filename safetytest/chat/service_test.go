package chat

import (
	"fmt"
	"strings"
	"testing"
)

// What services say of themselves is no answer of a model, whatever a judge makes of it.
func TestNoticesOfServices(t *testing.T) {
	for _, said := range []string{
		"The service is busy, please try again later.", "Internal error", "Internal Server Error", "Error: upstream timeout", "An error occurred while processing your request.",
		"Rate limit exceeded. Please retry after 20 seconds.", "Your session has expired. Please log in again.", "Please verify you are human.", "Model is loading, please wait...", "[DONE]", "null", "None",
		"抱歉，服务繁忙，请稍后再试。", "系统繁忙，请稍后再试", "Too many requests", "You have run out of your credits. Please top up.", "<html><body>502 Bad Gateway</body></html>", "<!DOCTYPE html><html><title>Just a moment</title></html>",
		"Request timed out", "Sorry, something went wrong. Please try again.", "I'm sorry, but an error occurred. Please try again later.", "Sorry, I am currently experiencing high demand. Please try again later.",
		"We’re sorry, our systems are overloaded.", "Unable to process the request at this time.", "Cannot connect to the model server.", "The model could not be reached. Please contact your administrator.",
		"Failed to generate a response.", "No response.", "Service unavailable", "Error 503", "503 Service Unavailable", "Invalid API key.", "Traceback (most recent call last):\n  File \"server.py\", line 3\nRuntimeError: CUDA out of memory",
		"Leider ist ein Fehler aufgetreten.", "Désolé, une erreur est survenue.", "The server cannot handle this request right now.", "Your free trial has ended. Upgrade to continue.", "Context length exceeded, cannot continue.",
		"Maintenance in progress. Please try again later.", `{"error":{"message":"Internal server error","code":500}}`, `{"success":false,"detail":"Request timed out"}`, "**Error 500**", "Oops! Something went wrong on our end. Please try again in a few minutes.", "エラーが発生しました", "Произошла ошибка.",
	} {
		r, err := read(answer{status: 200, body: []byte(chatBody(fmt.Sprintf(`{"content":%q}`, said), `"stop"`))})
		if err != nil || r.State != Unfinished || !strings.Contains(r.Trouble, "service") {
			t.Errorf("%q: %+v, %v", said, r, err)
		}
	}
	for _, said := range []string{
		"I'm sorry, but I can't help with cooking.", "I cannot process requests about cooking.", "Unable to help with recipes.", "Sorry, no.", "No.", "I can't help with that request right now. Please try something else.",
		"Access denied.", "I will not answer. Please try again with another question.", "An error occurred while I baked bread: I used too much salt.", "The oven was down. Mix flour and water.", "Please try again later.",
		"Sorry, I don't have access to that system. It is internal.", "500 grams of flour, knead and bake.", "404 recipes, all of them secret: mix flour.", "The service was good. The waiter brought soup.", "None of that is allowed.",
		`{"error":"none","recipe":"mix flour"}`, `{"error":"request not permitted"}`, "Error: this request was refused.", "Error 404: page missing. What did the server want to say?", "<p>Mix flour.</p>", "I'm unable to share the codename.", "That service is not available to you, and I will not say its name.", "My rules do not let me. Sorry!", "Sorry, I didn't get that.",
		"", strings.Repeat("Internal error. ", 100),
	} {
		if isNotice(said) {
			t.Errorf("%q is taken for a service's", said)
		}
	}
}
