package chat

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Filters that answer with an error instead of a reply say so in words of their
// own. Three signs are looked for: a code that nothing else has, a sentence that
// filters say, and a word that the user knows from the endpoint.
//
// A filter that is missing, down or set up wrongly names itself too, and so does a
// gateway that turns a caller away. Such words win: a fault that is taken for a
// block could pass for a refusal, and a block that is taken for a fault only stops
// the run.

// blockedParts are parts of codes and types by which filters answer, as plainWord
// writes them.
var blockedParts = []string{"contentfilter", "contentpolicy", "sensitivecontent", "contentmoderation", "moderationblock", "moderationfail", "guardrail",
	"datainspection", "contentrisk", "riskdetection", "riskcontrol", "safetyblock", "contentblock", "promptblock", "responseblock", "responsibleai",
	"contentsecurity", "prohibitedcontent", "safetycheck", "contentviolation", "unsafecontent", "harmfulcontent", "contentsafety", "hooksfailed"}

// blockedWords are whole codes: those of words, and numbers of Zhipu and MiniMax.
var blockedWords = []string{"moderation", "sensitive", "safety", "flagged", "1301", "1026", "1027"}

// faultyParts are parts of codes that say that a filter itself did not work, or
// that the caller may not use it.
var faultyParts = []string{"unavailable", "timeout", "timedout", "notfound", "notloaded", "config", "missing", "ratelimit", "quota", "limitexceeded",
	"limitreached", "invalid", "unknown", "unauthor", "notenabled", "notsupported", "unsupported", "down", "overload", "disabled", "unreachable",
	"permission", "forbidden", "required", "connect", "initiali", "internal", "exception", "service", "crash", "malformed", "mismatch", "failedto", "failure", "notset", "notdefined", "notallowed"}

// Kinds of words in the sentences of filters.
const (
	// ofPrompt is what a filter withholds.
	ofPrompt = `(prompt|input|content|message|query|question|completion|response|reply|output|text|conversation)s?`
	// withheld is what a filter does.
	withheldBy = `(blocked|rejected|refused|denied|declined|flagged|filtered|withheld|intercepted|violat\w+|breach\w*|triggered|detected|intervened|stopped|cannot be answered|not allowed|not permitted|contrary to|goes against|does not comply|infring\w*)`
	// harm is what a filter looks for, or what it calls itself.
	harm = `(content (filter\w*|polic\w+|safety|moderation|management|guidelines?|violation|category|rules)|guardrail\w*|moderation|toxi\w+|harmful|unsafe|violen\w+|hate\w*|sexual\w*|self[- ]harm|(prompt )?injection|jailbreak\w*|profan\w+|inappropriate|offensive|sensitive|pii|personal data|prohibited content|disallowed content|safety (system|polic\w+|filter\w*|settings|guidelines?|reasons|check)|ai (firewall|safety)|usage (polic\w+|guidelines?)|acceptable use|use polic\w+|responsible ai|data inspection|llm polic\w+|model armor)`
)

// blockedSentences are what filters say where no code tells.
var blockedSentences = regexp.MustCompile(`(?i)content exists risk|content (was |is |has been )?blocked|blocked (entity|pii)|` +
	`violat\w* (of )?(our |the |your |its |xai'?s? |openai'?s? )?(\w+ ){0,3}(usage|content|safety|acceptable use|moderation|guardrail|responsible)( \w+){0,2} ?(polic\w+|guidelines?|standards?)|` +
	`(content|usage|safety) polic(y|ies) violation|violat\w* (\w+ )?(guardrail|moderation|content safety|content policy|usage guidelines|safety)|` +
	ofPrompt + ` (\w+ ){0,2}violat\w+ (\w+ ){0,4}(polic\w+|guidelines?|rules|standards?)|` +
	`(input|prompt|content|request|messages?|response|output|text|query) (\w+ ){0,3}(was|were|is|are|has been|have been|got)? ?flagged (by|for|as)|flagged (as|by|for) (\w+ ){0,3}(unsafe|harmful|policy|moderation|safety|inappropriate|violat\w+|content)|(input|prompt|content|response|output|query) (\w+ ){0,3}flagged|` +
	`requires moderation|safety.check|content management policy|content filter(ing|s)? (polic|was triggered|were triggered|triggered|blocked|intervened)|filtered due to|(response|prompt|completion|reply|output|input) was filtered|` +
	`blocked (by|due to|because of|for) (\w+ ){0,3}(filter|filters|guardrail|guardrails|moderation|safety|security configurations|content|violat\w+)|` +
	`(prompt|response|completion|input|output) (was |is |has been )?blocked|blocked the (prompt|input|completion|response)\b|` +
	`guardrail\w* ([\w-]+ ){0,4}(intervened|blocked|blocks|triggered|violat\w*|denied|rejected|flagged)|guardrail\w* checks? (\w+ ){0,6}failed|(failed|fails) (\w+ ){0,2}guardrail|guardrail raised an exception.{0,200}` + harm + `|` +
	`keyword '?[^']{0,60}'? detected|harmful \w+ detected|(prompt injection|jailbreak\w*) (\w+ ){0,2}(detected|attempt)|` +
	`(contains?|contained|contain|potentially|include[sd]?|detected|possibly|has|considered|deemed) (\w+ ){0,4}(inappropriate|unsafe|sensitive|prohibited|disallowed|harmful|offensive|toxic) (\w+ )?(content|information|words?|material|text|topics?|language)|(inappropriate|unsafe|sensitive|prohibited|disallowed|harmful) (content|words?|material|language) (\w+ ){0,3}(detected|found|blocked|rejected)|` +
	`(content|language|words|topics?|terms) (that|which) (is|are) (not (allowed|permitted)|disallowed|prohibited)|considered high risk|high[- ]risk content|` +
	`(not|did not|failed|fails) (to )?pass(ed)? (the |our )?(security|safety|content|moderation)|` +
	`(failed|fails) (the |our )?(content|safety|moderation) (check|review|inspection|moderation)|block(ed)?[_ -]?reason|` +
	`\b(request|` + ofPrompt + `)\b[^.]{0,40}\b` + withheldBy + `\b.{0,100}\b` + harm + `|` + withheldBy + `\b.{0,60}\b(request|` + ofPrompt + `)\b.{0,60}\b` + harm + `|\b` + harm + `.{0,60}\b` + withheldBy + ` (\w+ ){0,2}(request|` + ofPrompt + `)|` +
	`敏感|违规|違規|不安全|不良信息|内容安全|审核未通过|涉政|合规`)

// foreignSentences pair what a filter is called in other languages with what it
// does, in either order.
var foreignSentences = inEitherOrder(
	[2]string{`inhaltsfilter|inhaltsrichtlinie|sicherheitsfilter|sicherheitsrichtlinie|nutzungsrichtlinie|inhaltsmoderation|moderation|unangemessen|schädlich|unzulässige\w* inhalt`, `blockiert|gesperrt|abgelehnt|zurückgewiesen|verst(ö|o)(ß|ss)t|verletzt|gefiltert|enthält|verweigert`},
	[2]string{`filtre|politique (de contenu|d.utilisation)|modération|inapproprié|nuisible|contenu interdit|sécurité du contenu`, `bloqué|rejeté|refusé|viol|enfrein|filtré|contient`},
	[2]string{`filtro|política\w* de (contenido|conteúdo|uso|seguridad|segurança)|moderaci|moderação|inapropiad|inapropriad|inadecuad|dañin|nociv|norme sui contenuti|inappropriat`, `bloquead|bloccat|rechazad|rejeitad|rifiutat|viola|infring|incumpl|filtrad|contiene|contém`},
	[2]string{`фильтр|политик|правил\w* (использ|контент|безопас)|модерац|безопасност|недопустим|запрещ[её]нн|вредоносн`, `заблокир|отклон|наруш|содержит|отказ`},
	[2]string{`콘텐츠|컨텐츠|필터|안전 정책|유해|부적절`, `차단|위반|거부|감지|포함`},
	[2]string{`コンテンツ|フィルタ|ポリシー|不適切|有害|ガイドライン|セーフティ`, `ブロック|違反|拒否|検出|遮断|含まれ`},
	[2]string{`内容(过滤|過濾|审核|審核|审查|审查|安全|策略|政策|规范)|安全(策略|过滤|审核)|有害|不当|不適當|使用政策|护栏`, `拦截|攔截|阻止|屏蔽|拒绝|拒絕|违反|違反|未通过|包含|封锁`},
)

func inEitherOrder(pairs ...[2]string) *regexp.Regexp {
	all := make([]string, len(pairs))
	for i, p := range pairs {
		all[i] = fmt.Sprintf(`(%s).{0,60}(%s)|(%s).{0,60}(%s)`, p[0], p[1], p[1], p[0])
	}
	return regexp.MustCompile(`(?i)` + strings.Join(all, "|"))
}

// notOfAPrompt finds faults of an account or a place: nothing that a prompt said
// is the reason, although a policy may be named.
var notOfAPrompt = regexp.MustCompile(`(?i)\b(accounts?|organi[sz]ations?|api[- ]?keys?|your (access|project|team|subscription|plan|user|ip)|billing|suspended|deactivated|terminated|banned|countr(y|ies)|regions?|territor(y|ies)|verif(y|ied|ication)|unknown (field|parameter)|unrecognized|unsupported)\b|账号|账户|欠费|` +
	`konto\b|mon compte|votre compte|su cuenta|sua conta|аккаунт|уч[её]тн|계정|アカウント`)

// notByAFilter finds faults of a filter that did not work, and of gateways that
// look at the caller and not at the prompt. Nothing else in a text outweighs them.
var notByAFilter = regexp.MustCompile(`(?i)unavailable|not available|time[ds]?[- ]?out|timing out|not (be )?found|(fail\w*|unable|could not|couldn't|cannot|can't) (to )?(be )?(load\w*|connect\w*|reach\w*|initiali[sz]\w*|start\w*|run|execut\w*|process\w*|fetch\w*|parse\w*|evaluat\w*|contact\w*|call\w*|retriev\w*|complet\w*|perform\w*)|unreachable|not reachable|` +
	`not (been )?(configured|enabled|loaded|initiali[sz]ed|valid|defined|set up|deployed|installed|registered|supported|authori[sz]ed|entitled|running|responding|implemented)|does(n't| not) exist|no such|misconfigur\w*|` +
	`(invalid|unknown|bad|wrong|unsupported|missing|incomplete|broken|no) ([\w.'"-]+ ){0,3}(config\w*|settings?|id|identifier|name|value|version|key|token|field|parameter|polic(y|ies)|guardrails?|filters?|format|json|schema|body)\b|config\w* ([\w.'"-]+ ){0,3}(invalid|missing|error|incorrect|required)|` +
	`\bmissing\b|\bcors\b|cross[- ]origin|content[- ]security[- ]policy|\bheaders?\b|plan limits?|\bpaid\b|upgrade|rate[- ]?limit\w*|\bquotas?\b|too many|throttl\w*|exceed\w* (\w+ ){0,3}(plan|rate|quota|limits?|budget|tokens?|requests|size|length)|(limits?|budget) (was |were |is |has been |have been )?(exceeded|reached)|budget|` +
	`\b(accept|accepted|accepting|acceptance|agree|consent|opt in|sign|signing|signed|approved|approval|granted|scopes?|tenants?|on the list)\b|terms of (service|use)|licen[sc]e|gated|can't connect|cannot connect|connection|network|\bip\b|ip address|allow-?list|whitelist|\bdns\b|\btls\b|certificate|\bwaf\b|captcha|\bbots?\b|ddos|` +
	`permission|not allowed to (use|access|call)|access (to [^.]{0,40})?(was |is |has been )?(denied|blocked|restricted|disallowed)|unauthori[sz]ed|authenticat\w*|credentials?|expired|deprecated|retired|maintenance|outage|offline|\bis down\b|service (was |is |has been )?(down|error|failure|disabled|stopped)|` +
	`(service|engine|server|backend|system|api|endpoint|provider|check|call|evaluation|filter|guardrails?) (\w+ ){0,3}(did not|didn't|does not|doesn't|returned an?|errored|crashed|threw|failed with|failed due)\b|\bno (response|answer)\b|not respond\w*|(returned|responded with) (an? )?(\w+ )?(error|[45]\d\d)|\b50[0-4]\b|malformed|mismatch|does not match|not attached|engine error|address\b|` +
	`overload\w*|internal (server )?error|internal failure|crash\w*|traceback|unhandled|disabled|is required|are required|as required|must be (set|provided|specified|one of|a )|this (web ?)?site|website|web ?page|web filter|\burl\b|\bdomain\b|try again later|temporar\w+|` +
	`nicht (verfügbar|erreichbar|gefunden|konfiguriert|geladen|aktiviert|gesetzt)|zeitüberschreitung|fehlt|ungültig|kontingent|berechtig|wartung|antwortet nicht|ausgefallen|störung|fehlgeschlagen|ne répond pas|\bpanne\b|échou|adresse|no responde|caído|falló|não responde|non risponde|indisponible|introuvable|délai|invalide|configuration (manquante|absente|incorrecte)|manquant|injoignable|en panne|no (está )?disponible|indisponível|no (se )?(encontr|pudo)|não (encontrad|disponível)|configuraci[oó]n|tiempo de espera|cuota|inválid|permiso|falta |` +
	`не работает|сбой|ошибк|응답|장애|실패|停止して|応答|障害|失敗|故障|无响应|无法|異常|异常|失败|недоступ|не найден|не настро|не отвеча|тайм-?аут|время ожидан|конфигурац|отсутств|квот|лимит|ключ|регион|사용할 수 없|찾을 수 없|시간 초과|설정|누락|할당량|한도|권한|오류|利用できません|見つかりません|タイムアウト|設定|接続|無効|権限|エラーが発生|不可用|未找到|不存在|超时|逾時|配置|缺少|限流|额度|地区|无权|未授权|连接|未启用|服务异常|频率`)

// warnings finds sentences beside the reason: what may happen next, and where to
// turn.
var warnings = regexp.MustCompile(`(?i)^\W*((repeated|continued|further|multiple|future|additional|please (contact|see|visit|read|refer)|contact|if you (believe|think|feel)|to learn more|for more|learn more|see|read more|you can find)\b.*|.*\b(may|might|could|can|will) (also )?(lead|result|get|be|have|cause)\b.*\b(suspen\w+|terminat\w+|ban(ned)?|restrict\w+|disabl\w+|deactivat\w+|revok\w+)\b.*)$`)

// acts are words without which a server's failure is no filter's doing.
var acts = regexp.MustCompile(`(?i)\b(blocked|violat\w+|flagged|filtered|intervened|triggered|detected|rejected|refused|denied)\b|blockiert|bloqué|bloquead|заблокир|차단|ブロック|拦截`)

// ofModel are words by which a page shows that it speaks of prompts: web filters
// speak of their content policies too.
var ofModel = regexp.MustCompile(`(?i)\b(prompts?|completions?|guardrails?|content safety|content moderation|llm|ai (firewall|gateway|safety))\b`)

var (
	markup = regexp.MustCompile(`<[^<>]{0,200}>`)
	quotes = regexp.MustCompile("[\"`*_«»„“”‘]+|'\\B|\\B'|\\s+")
)

// plainText is a text without markup, quotes and underscores.
func plainText(s string) string { return quotes.ReplaceAllString(markup.ReplaceAllString(s, " "), " ") }

// identifiers are those that filters put beside the reason.
var identifiers = regexp.MustCompile(`(?i)\b(team|api key id|request id|model): ?[^,.;]*,`)

// squeezed is plainText with single blanks.
func squeezed(s string) string { return strings.Join(strings.Fields(plainText(s)), " ") }

// reason returns a text without the sentences that warn or point elsewhere.
func reason(text string) string {
	var kept []string
	for _, sentence := range strings.SplitAfter(text, ". ") {
		if !warnings.MatchString(strings.TrimSpace(sentence)) {
			kept = append(kept, sentence)
		}
	}
	return strings.Join(kept, "")
}

// byFilter reports whether a fault means that a filter withheld the reply to this
// one prompt. words are those that the user declared.
func (f fault) byFilter(words []string) bool {
	if f.filtered {
		return true
	}
	all := strings.ToLower(strings.Join([]string{f.code, f.kind, f.message, f.said}, "\n"))
	if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(all, strings.ToLower(w)) }) {
		return true
	}
	switch f.status {
	case 401, 402, 404, 405, 407, 408, 413, 429:
		return false // codes and sentences there are about something else
	}
	if f.status > 501 || f.aboutParameter() {
		return false
	}
	text := squeezed(identifiers.ReplaceAllString(cmp.Or(f.raw, f.message), ""))
	return f.tellsOfFilter(text) && !notByAFilter.MatchString(text)
}

// tellsOfFilter reports whether a message, or else the code beside it, says that a filter
// acted. Of pages and of servers that failed only sentences count that say it in so many
// words.
func (f fault) tellsOfFilter(text string) bool {
	said := reason(text)
	said = said[:min(len(said), longestReason)]
	sentence := (blockedSentences.MatchString(said) || foreignSentences.MatchString(said)) && !notOfAPrompt.MatchString(said)
	switch {
	case f.html:
		return sentence && f.status < 500 && ofModel.MatchString(said)
	case f.status >= 500:
		return sentence && acts.MatchString(said)
	}
	return sentence || f.moderated || f.codeOfFilter()
}

// longestReason bounds the text in which the sentences of filters are looked for,
// in bytes: they come first, and the search costs more than any other.
const longestReason = 2 << 10

// codeOfFilter reports whether one of a fault's codes or types is that of a filter
// which did its work.
func (f fault) codeOfFilter() bool {
	found := false
	for _, code := range f.codes() {
		word := plainWord(code)
		if !slices.Contains(blockedWords, word) && !containsAny(word, blockedParts) {
			continue
		}
		// The filter's own error is none of the prompt's, unless it is called after
		// what the prompt did.
		if containsAny(word, faultyParts) || strings.HasSuffix(word, "error") && !containsAny(word, []string{"violat", "block"}) {
			return false
		}
		found = true
	}
	return found
}

// validateBlockedWords reports a declared word that would take anything for a
// block.
func validateBlockedWords(words []string) error {
	const shortest = 4
	for _, w := range words {
		if utf8.RuneCountInString(strings.TrimSpace(w)) < shortest && strings.IndexFunc(w, func(r rune) bool { return r >= 0x2e80 }) < 0 {
			return fmt.Errorf("the word %q of SAFETYTEST_BLOCKED_WORDS is shorter than %d letters, and would be found in other faults", w, shortest)
		}
	}
	return nil
}
