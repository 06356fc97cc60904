// Package offline is where package judge finds the judge of package refusal, which
// imports judge and so cannot be imported by it.
package offline

// Refusal makes that judge, a judge.Judge. It is nil in a program that does not hold
// package refusal.
var Refusal func() any
