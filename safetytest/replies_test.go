package safetytest_test

import (
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// Without a directory nothing is recorded that a run could go on from: it would ask
// the model, and call that a replay.
func TestRepliesNeedADirectory(t *testing.T) {
	for replies, refused := range map[safetytest.Replies]string{
		safetytest.RepliesAuto: "", safetytest.RepliesFresh: "",
		safetytest.RepliesResume: "need Dir", safetytest.RepliesReplay: "need Dir",
		safetytest.RepliesReplay + 1: "Replies is 4", -1: "Replies is -1",
	} {
		_, err := safetytest.New(chat.ModelFunc(nil), safetytest.Config{Replies: replies}, house())
		if (err == nil) != (refused == "") || err != nil && !strings.Contains(err.Error(), refused) {
			t.Errorf("Replies %d: %v, want %q", replies, err, refused)
		}
	}
}
