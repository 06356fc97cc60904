package chat

import (
	"regexp"
	"slices"
	"strings"
)

// A request may be turned away for its parameters in the words of filters: "input
// violates rules: top_p must be between 0 and 1". Nothing that the prompt says is the
// reason then, and every call would fail alike. Such a fault names a parameter and,
// close to that, what is wrong with it: filters name neither.

const (
	// ofParameter is what a parameter alone is called.
	ofParameter = `(top[_ -]?[pk]|min[_ -]?p|max(imum)?[_ -]?(completion[_ -]?|output[_ -]?|new[_ -]?)?tokens|n_predict|num_predict|(top[_ -]?)?log_?probs|logit[_ -]?bias|response[_ -]format|json_schema|` +
		`(frequency|presence|repetition|repeat)[_ -]?penalty|stop_\w+|stream_options|tool_choice|parallel_tool_calls|reasoning_effort|service_tier|messages?(\[\d+\]|\.\d+)?\.role)`
	// likeParameter is what a parameter is called, and other things too.
	likeParameter = `(temperature|seed|stop( (words?|sequences?|strings?|tokens?))?|message roles?)`
	// constraint is what is said of a parameter's value.
	constraint = `(must|should|needs? to|ha(s|ve) to|may (not|only)|can ?not|can only|can't|out of|exceed\w*|above|below|greater|less|larger|smaller|higher|lower|outside|between|beyond|limited to|violat\w+|` +
		`(is |are |was |were )?(not|n't|only) (a |an |in |one of|within|support\w*|allowed|permitted|valid|available|accepted|recognized|defined|set\b)|(is|are) (invalid|illegal|unsupported|unknown|unrecognized|required|disallowed|forbidden|prohibited|too|out|deprecated)|` +
		`too (long|many|large|big|high|low|small|short)|isn't|aren't|invalid|unsupported|unknown|unrecognized|expects?|expected|accepts?|supports?|does(n't| not)|requires?)\b`
	// rejectedAs is what is said before the name of a parameter, and ofWhat what may
	// stand between the two.
	rejectedAs = `(invalid|unsupported|unknown|illegal|unexpected|unrecognized|incorrect|wrong|bad|disallowed|out[- ]of[- ]range|too many|empty|missing)`
	ofWhat     = `((value|values|parameter|input|argument|setting|field|for|of|the|type|request|number)[:,]? ){0,4}`
	// roleNames are the roles of messages.
	roleNames = `(system|developer|user|assistant|tool|function)`
)

// parameterWrong finds what only faults say that are about a parameter.
var parameterWrong = regexp.MustCompile(strings.Join([]string{
	`\b` + ofParameter + `\b`,
	`\b` + likeParameter + `[:,=]*( (value|parameter|argument|field|setting|array|list|of|is|was|set|to|at|[:=]?-?\d[\d.]*)[:,=]*){0,4},? ?` + constraint,
	`\b` + likeParameter + ` ?([<>]=?|≤|≥) ?-?\d`,
	`\b` + rejectedAs + ` ` + ofWhat + likeParameter + `\b`,
	`\b(rules?|polic(y|ies)|guidelines?|limits?|schema|parameters?|arguments?|fields?): ` + likeParameter + `($| ?[:=,.;])`,
	`\b(n|stream|tools?) (must|should|needs? to|ha(s|ve) to|may (not|only)|can ?not|exceed\w*|accepts|supports|expects|(is|are) (not (a|an|in|one of|within|supported|valid)\b|limited to|invalid|unsupported|required))`,
	`\b` + rejectedAs + ` ` + ofWhat + `roles?( |$|[.,;:])`,
	`\broles? (\S+ )?((must|should|needs? to|ha(s|ve) to) |(is |are )?(invalid|unsupported|unknown|not (one of|supported|valid|recognized)))`,
	`\broles? ?:? ?(of )?` + roleNames + ` (\S+ ){0,2}(not|unsupported|invalid|unknown|unexpected|must|can ?not|violat\w+)\b`,
	`\b` + rejectedAs + ` (parameters?|arguments?)\b`,
	`\b(parameter|argument)s? [\w.]+ (is|are|was|were|must|should|can ?not|may not|violat\w+)\b`,
	`\bmessages? (must|should|needs? to|ha(s|ve) to|can ?not|may not) (not )?(start|begin|end|alternate|be (a |an )?(non-?)?(list|array|empty|string|object))`,
	`\bmessages? (must|should|needs? to|ha(s|ve) to) (contain|have|include) at least`,
	`\b(` + roleNames + ` )?messages? (must|should|ha(s|ve) to|can ?not|may not|can only) (be|come|appear|occur|stand) (at the |the |in the |from the )?(first|last|start|beginning|end|before|after|once|followed|preceded|` + roleNames + `)\b`,
	`\bonly (one|a single|\d+) ` + roleNames + ` messages?\b|\b(first|last|final|next) message (must|should|needs? to|has to|can ?not|role)`,
	// Other languages.
	`参数|參數|パラメータ|파라미터|매개변수|параметр|paramètre|parámetro|parâmetro|\bparametro\b|\bparameter \S+ (ist|muss|darf|verst(ö|o)(ß|ss)t|verletzt|hat)\b`,
	`(\brole\b|temperature|\bstop\b|\bseed\b|角色).{0,8}(不合规|违规|無效|无效|非法|不合法|必须|不支持|错误)`,
	// The form of a request's values.
	`\b(must|should) be (a |an )(valid )?(positive |non-?negative |non-?empty )?(integer|int|number|float|boolean|bool|array|list|string|object|dictionary)\b`,
	`\binput should be (a valid|less|greater|>|<)|\bextra inputs are not permitted`,
}, `|`))

var (
	// noSuchModel and modelNotServed find a model that is not served under this name:
	// the second also what a server says that has not loaded it yet.
	noSuchModel = regexp.MustCompile(`\b(unknown|invalid|unsupported|unrecognized|nonexistent|no such|wrong) model( name| id)?\b|\bmodel:? (name |id )?(\S+ )?(does not exist|doesn't exist|not found|violat\w+|(is )?not (in|on|among|part of) |(is )?(not (known|recognized|supported|served|valid|allowed|permitted)|unknown|invalid|unsupported)($|[^\w ]| (for|by|in|on|with|here|at|under)\b))|` +
		`\bmodel:? (name |id )?\S+ (is|was|has been) (blocked|restricted|disallowed|prohibited|forbidden|disabled|retired|removed)($|[^\w ]| (for|by|in|on|with|here|at|under)\b)|\bno model (named|called)\b`)
	modelNotServed = regexp.MustCompile(noSuchModel.String() + `|\bmodel:? (name |id )?(\S+ )?is (not (available|enabled|deployed)|unavailable)($|[^\w ]| (for|by|in|on|with|here|at|under)\b)`)
	// ofModelsText finds what a model says, which is no name of one.
	ofModelsText = regexp.MustCompile(`\bmodel:? ` + ofPrompt + `\b`)
	// dumped finds the fields of a request that is repeated in an account, with what
	// they hold, and numbers in brackets.
	dumped     = regexp.MustCompile(`["'][\w.]+["'] ?: ?(-?\d[\d.]*|true|false|null|none|["'\[{])|\(-?\d[\d.]*\)`)
	quotesOnly = regexp.MustCompile("[\"`*«»„“”‘’']+|\\s+")
)

// spoken is the fault's account in lower case, without quotes and without what it
// repeats of the request.
func (f fault) spoken() string {
	said := f.lower()
	said = dumped.ReplaceAllString(said[:min(len(said), longestReason)], " ")
	return strings.Join(strings.Fields(quotesOnly.ReplaceAllString(said, " ")), " ")
}

// saysOfModel reports whether a fault's account says by re that a model is not served.
func (f fault) saysOfModel(re *regexp.Regexp) bool {
	found := re.FindString(f.spoken())
	return found != "" && !ofModelsText.MatchString(found)
}

// aboutParameter reports whether the fault is about a parameter of the request and not
// about what the prompt says.
func (f fault) aboutParameter() bool {
	if f.html {
		return false
	}
	if f.ofRole || slices.Contains(ourFields, f.field) && f.field != "messages" {
		return true
	}
	return parameterWrong.MatchString(f.spoken()) || f.saysOfModel(modelNotServed)
}

// parameter is the parameter of ours that a fault is about, "" if it names none.
func (f fault) parameter() string {
	if f.param != "" || !f.aboutParameter() {
		return f.param
	}
	said := strings.NewReplacer("top p", "top_p", "max tokens", "max_tokens", "response format", formatParam).Replace(f.spoken())
	name, first := "", len(said)
	for _, p := range append([]string{formatParam}, samplingParams...) {
		if p == choicesParam {
			continue // a letter, which says little in a sentence
		}
		if at := regexp.MustCompile(`\b` + p + `\b`).FindStringIndex(said); at != nil && at[0] < first {
			name, first = p, at[0]
		}
	}
	return name
}
