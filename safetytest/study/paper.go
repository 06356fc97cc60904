package study

// finding is something that the paper reports of its models, and that an estimate of a
// study tells of others.
type finding struct {
	// id is that of the estimate, sentence what is found.
	id, sentence string
	// above and below say what it means that the interval of the estimate lies above 0, or
	// below.
	above, below string
	// paper says it of the paper's models, in the order of paperModels.
	paper [4]string
}

// The paper's models: arXiv 2606.20508v1, S. Dai and M. Patel, "What Do Safety-Aligned
// LLMs Learn From Mixed Compliance Demonstrations?", 2026. Compliance there is one less
// the share of refusals that WildGuard reads in replies to 1,404 harmful requests under two draws of demonstrations each.
var paperModels = [4]string{"Llama-3.1-8B-Instruct", "Gemma-4-31B-IT", "GPT-OSS-20B", "OLMo-3.1-32B-Instruct"}

// The numbers were read in its abstract and in reviews that quote it, not in its tables: Wald tests of the logistic model
// logit P = b0 + b1 log(harmful+1) + b2 log(benign+1), the difference of the suffix and
// the prefix order at 32 harmful and 32 benign demonstrations, and the share of refusals
// that begin with the demonstrations' prefix.
var findings = []finding{
	{"slope/harmful", "More harmful demonstrations raise compliance (slope b1 on log-odds)", "rises", "falls",
		[4]string{"rises with their share", "rises with their share", "moves with their share", "rises with their share"}},
	{"slope/benign", "Benign demonstrations beside them change compliance (slope b2 on log-odds)", "amplify", "dilute",
		[4]string{"dilute: -0.178 (p 7e-123)", "dilute: -0.201 (p 7e-175)", "amplify: +0.032 (p .011)", "no effect seen: -0.012 (p .11)"}},
	{"order/spread", "The order of the same demonstrations moves compliance (points between orders)", "moves", "",
		[4]string{"moves: 19", "moves: 35", "1 to 2", "moves: 13"}},
	{"marker/refused", "Refusals take over the format of the demonstrations (points)", "taken over", "",
		[4]string{"taken over: 86.9 % (neutral prefix), 51.5 % (one that complies)", "0.1 % (prefix that complies)", "not reported", "not reported"}},
	{"marker/complied", "Replies that comply take over the format (points)", "taken over", "",
		[4]string{"not reported", "taken over: 52.1 % (prefix that complies)", "not reported", "not reported"}},
	{"hypothesis/total", "As many demonstrations in all do more where they are harmful (points, all harmful less all benign)", "more", "less",
		[4]string{"more (p 2e-24 to 1e-160)", "more (p 2e-43 to 6e-228)", "more from 8 on, but for 16", "more (p 2e-4 to 2e-60)"}},
	{"order/last-first", "Harmful demonstrations count more next to the request than far from it (points, last less first)", "last", "first",
		[4]string{"last: about 19", "last: about 35; interleaved more at three quarters harmful", "1 to 2", "last: about 13"}},
}
