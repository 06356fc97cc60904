// Package shrink finds the smallest cause of a violation: the shortest list of
// demonstrations, in the plainest order, that is still shown to violate a claim. It is
// delta debugging (Zeller and Hildebrandt 2002) whose every step is a test with an error
// rate of its own, on replies that no other step saw. [Spec] writes what is left as a
// test to commit.
package shrink
