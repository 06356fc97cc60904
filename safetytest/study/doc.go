// Package study asks a model one designed set of questions, from which the effects of
// the number, kind and order of demonstrations are estimated together (arXiv 2606.20508),
// each reply informing all of them.
package study
