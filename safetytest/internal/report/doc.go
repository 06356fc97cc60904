// Package report writes verdicts for people and for programs: a table, and one
// line of JSON.
//
// An [Entry] never holds a prompt or a reply, nor a number that JSON cannot
// write, so it may go wherever test reports go.
package report
