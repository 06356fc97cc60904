package record

import (
	"context"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// A real disk that is full, and then read-only.
func TestSmallDisk(t *testing.T) {
	g := NewWithT(t)
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	defer syscall.Unmount(disk, syscall.MNT_DETACH)
	dir := filepath.Join(disk, "record")

	r := mustOpen(t, dir, testManifest, Options{Run: "one"})
	paid, recorded := 0, 0
	var err error
	for i := 0; err == nil; i++ {
		_, _, err = r.Ask(context.Background(), KeyOf(request(i)), func(context.Context, *Call) (chat.Reply, error) {
			paid++
			return answer(i), nil
		})
		if err == nil {
			recorded++
		}
	}
	g.Expect(err).To(MatchError(ErrWrite))
	g.Expect(err).To(MatchError(syscall.ENOSPC))
	g.Expect(paid).To(BeNumerically("<=", recorded+1))
	_, _, err = r.Ask(context.Background(), KeyOf(request(9999)), nil)
	g.Expect(err).To(MatchError(ErrWrite))
	g.Expect(r.Close()).To(Succeed())
	_, err = Open(dir, testManifest, Options{Run: "two"})
	g.Expect(err).To(MatchError(syscall.ENOSPC))
	g.Expect(err).To(MatchError(ContainSubstring("so no call is made")))

	g.Expect(syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "")).To(Succeed())
	_, err = Open(dir, testManifest, Options{Run: "three"})
	g.Expect(err).To(MatchError(syscall.EROFS))
	g.Expect(err).To(MatchError(ContainSubstring("so no call is made")))

	r = mustOpen(t, dir, testManifest, Options{Mode: Replay})
	g.Expect(r.Replies()).To(Equal(recorded), fmt.Sprintf("of %d paid", paid))
	for i := range recorded {
		g.Expect(askFor(t, r, i)).To(BeFalse())
	}
}
