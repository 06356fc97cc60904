//go:build race

package raced

// Detector says that the race detector watches.
const Detector = true
