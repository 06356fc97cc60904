// Package text is the one reader of replies: it writes a text in one spelling
// ([Fold]), cuts off what is no reply any more ([Own]), and cuts the rest into
// sentences of words ([Scan]). Whoever judges replies by their words reads them
// with it, so that no judge sees a sentence end, a quotation or a letter where
// another sees none.
//
// Everything takes time linear in the length of the text.
package text
