// Package text is the one reader of replies: it writes a text in one spelling
// ([Fold]), cuts off what is no reply any more ([Own]), and cuts the rest into
// sentences of words ([Scan]). Whoever judges replies by their words reads them
// with it, so that no judge sees a sentence end, a quotation or a letter where
// another sees none.
//
// It is public because judges of a policy live outside of this folder, such as those
// of package fixtures, and must read as the others do.
//
// Everything takes time linear in the length of the text.
package text
