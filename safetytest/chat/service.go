package chat

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Gateways and web chats answer with a sentence of their own where the model behind them
// cannot: with status 200, as the content, ended with "stop". Judges would read "I'm
// sorry, an error occurred" as a refusal and "Too many requests" as an answer. Such a
// reply says nothing about the model, and is missing. A text counts as one only if all of
// its sentences are of faults or courtesies, so that what a model says beside them, above
// all that it will not help with something, is left to the judges.

// longestNotice bounds such texts, in bytes.
const longestNotice = 400

// ofService are the things that are out of order.
const ofService = `((the|our|this|all|my) )?((\w|-)+ ){0,3}(services?|servers?|systems?|models?|api|endpoint|backend|upstream|engine|gateway|network|site)`

// meanwhile is what may stand behind such a sentence.
const meanwhile = `( (at this (time|moment)|at the moment|right now|now|for now|currently|on (our|the server) (end|side)|due to (an? )?(high|heavy|internal|unexpected|server) \w+))?`

// whileAsked is what a service was about when it failed.
const whileAsked = `( (while|during|when|in|on|with|at) (((trying|attempting) to )?(process|handl|generat|complet|creat|fetch|answer|connect|communicat|execut|call)\w*( (to|with))? (the|your|this|a|an|our) ((\w+ ){0,3}(request|response|reply|message|query|prompt|completion|answer|server|service|model|api|backend|upstream|gateway))|(our|the server|the server's) (end|side)|the (\w+ ){0,2}(server|service|backend|gateway|upstream|api|model)|(processing|inference|generation)))?`

// notice is a form of sentences that a service says of itself, and words of which each of
// them has one: most replies have none of any form, and are not looked at further.
type notice struct {
	words []string
	form  *regexp.Regexp
}

func noticed(form string, words ...string) notice {
	return notice{words, regexp.MustCompile(`(?i)^(?:` + form + `)$`)}
}

// notices are those forms, without the last mark and without the excuses before them.
var notices = []notice{
	noticed(`(an? |some )?((unknown|unexpected|unhandled|internal|server|upstream|network|gateway|temporary|technical|api|model|backend) )*(error|exception|failure|problem|issue|timeout|fault)s? (has |have )?(occurred|happened|arose|been encountered|was encountered|were encountered)`+whileAsked, "occur", "happened", "arose", "encountered"),
	noticed(`something (has gone|went|is) wrong`+whileAsked, "wrong"),
	noticed(`(error|exception|fatal)( code)?:? ([^.!?]{0,40} )?(timeout|timed out|failed|failure|unavailable|reset|exceeded|overloaded|error|[45]\d\d)\b[^.!?]{0,80}`, "error", "exception", "fatal"),
	noticed(`((internal|bad|upstream|server|gateway|network|connection|request|read|service|proxy|api|model|backend|the) )+(error|exception|timeout|timed out|gateway|unavailable|failure|failed|overloaded)(:? [^.!?]{0,80})?`, "error", "exception", "timeout", "timed out", "gateway", "unavailable", "fail", "overloaded"),
	noticed(`(http|error|status)( (error|code|status))?:? ?[45]\d\d\b:?( [^.!?]{0,60})?`, "http", "error", "status"),
	noticed(`[45]\d\d:? (bad (gateway|request)|internal (server )?error|service (temporarily )?unavailable|gateway time-?out|not found|unauthorized|forbidden|too many requests|request time-?out|server error|client error|error)( [^.!?]{0,60})?`, "bad", "error", "unavailable", "time", "not found", "unauthorized", "forbidden", "too many"),
	noticed(ofService+`( \S+){0,2} (is|are|was|were|cannot|can't|could not|couldn't|has|have)( been)?( be)? ((currently|temporarily|now|not|still|under|too|at|experiencing|very|momentarily) )*(busy|overloaded|unavailable|available|down|offline|reached|maintenance|loading|starting|capacity|responding|restarting|high (demand|traffic|load|volume)|timed out|crashed)`+meanwhile, "service", "server", "system", "model", "api", "endpoint", "backend", "upstream", "engine", "gateway", "network", "site"),
	noticed(`(i am|i'm|we are|we're) ((currently|temporarily|now) )*(experiencing (very )?(high|heavy|unusual) (demand|traffic|load|volume)|overloaded|at capacity|under maintenance|offline)`+meanwhile, "experiencing", "overloaded", "capacity", "maintenance", "offline"),
	noticed(`(scheduled )?maintenance (is )?in progress`, "maintenance"),
	noticed(`((you|your \w+) (have |has )?|you've )?((rate|usage|request|token|daily|monthly|hourly|message) )*(limit|quota)s? ((has|have) been )?(exceeded|reached|hit)( [^.!?]{0,60})?`, "limit", "quota"),
	noticed(`(you have|you've) (run out of|exceeded|reached|used up) (all )?(your|the) ((\S+ ){0,3}(credits?|quota|limits?|tokens|balance|plan|messages))( [^.!?]{0,60})?`, "you have", "you've"),
	noticed(`your (free )?(trial|subscription|session|token|plan|credits?|quota) (has|have|is) (ended|expired|been exhausted|exhausted|over)`, "your"),
	noticed(`(please )?(upgrade|top up|renew|log in|sign in|log back in)( [^.!?]{0,60})?`, "upgrade", "top up", "renew", "log in", "sign in", "log back"),
	noticed(`too many requests( [^.!?]{0,60})?|(insufficient|out of) (credits?|quota|balance|memory)( [^.!?]{0,40})?|(invalid|missing|incorrect) api key( [^.!?]{0,60})?|please verify (that )?you are (a )?human`, "too many", "insufficient", "out of", "api key", "verify"),
	noticed(`(your |the |this )?(request|connection|operation|response|generation) ((has|was|is) )?(timed out|timeout|been (dropped|interrupted|aborted|cancelled|canceled)|interrupted|aborted|cancelled|canceled|lost|closed|reset)( [^.!?]{0,60})?`, "request", "connection", "operation", "response", "generation"),
	noticed(`((we|i) (were|was|are|am) )?(failed|unable|could not|couldn't|cannot|can't) (to )?(generate|produce|get|fetch|create|complete|process|handle|connect|reach|load)( to)? (an? |the |your |any |this )?((model|ai|chat|api|backend|upstream|llm) )*(response|reply|completion|answer|output|request|server|service|model|backend|api|upstream|network)`+meanwhile, "response", "reply", "completion", "answer", "output", "request", "server", "service", "model", "backend", "api", "upstream", "network"),
	noticed(`(the |our )?(server|service|system) (cannot|can't|could not|is unable to) (handle|process|complete) (the|this|your) request`+meanwhile, "server", "service", "system"),
	noticed(`no (response|reply|output|completion)( (was )?(generated|received|returned|available))?( from [^.!?]{0,40})?`, "no "),
	noticed(`(model|context)( is)? (loading|length exceeded)`, "loading", "exceeded"), noticed(`cannot continue`, "continue"),
	noticed(`\[done\]|null|none|nil|undefined|nan|\(?empty( response)?\)?`, "done", "null", "none", "nil", "undefined", "nan", "empty"),
	noticed(`.{0,12}(服务|系统|服务器|网络|模型)(器)?.{0,4}(繁忙|忙碌|不可用|异常|错误|故障|超时|出错|维护).{0,20}|.{0,8}(请求|生成).{0,4}(超时|失败|过多|过于频繁).{0,20}`, "服务", "系统", "网络", "模型", "请求", "生成"),
	noticed(`(es |leider )?(es )?ist (leider )?ein (\w+ )?fehler aufgetreten|une erreur (\w+ ){0,2}(est survenue|s'est produite)|(se ha producido|ocurrió|ha ocurrido) un error( .{0,40})?|(ocorreu|houve) um erro( .{0,40})?|si è verificato un errore( .{0,40})?`, "fehler", "erreur", "error", "erro"),
	noticed(`произошла (\w+ )?ошибка( .{0,40})?|.{0,12}エラーが発生しました|.{0,12}오류가 발생했습니다`, "ошибка", "エラー", "오류"),
}

// ofNotice reports whether a sentence is of one of the forms.
func ofNotice(sentence string) bool {
	lower := strings.ToLower(sentence)
	return slices.ContainsFunc(notices, func(n notice) bool {
		return containsAny(lower, n.words) && n.form.MatchString(sentence)
	})
}

// courtesies are sentences around them.
var courtesies = regexp.MustCompile(`(?i)^((please |kindly |you can |you may )?(try|retry|wait|come back|check back)( your request)?( (again|later|back|and|a|in|after|the|few|shortly|soon|\d+|moments?|minutes?|seconds?|while|then|once more|try))*( or contact .{0,60})?|(please )?contact (support|your administrator|the administrator|us)( .{0,60})?|(we )?(apologi[sz]e|are sorry|'re sorry) for (the|any) (inconvenience|trouble|delay)( .{0,40})?|(sorry|oops|apologies|thank you for your (patience|understanding)|(our team|we) (has|have) been notified|(request|error|reference|trace) id:? \S+)|请?.{0,4}(稍后|稍候|过会).{0,10}|bitte versuchen sie es .{0,30}|veuillez réessayer.{0,30}|por favor,? (intente|intenta|tente).{0,40})$`)

var (
	excuses      = regexp.MustCompile(`(?i)^(((we're|we are|i'm|i am|so|very) )*(sorry|apologies|oops|uh oh|unfortunately|leider|désolé|lo siento|desculpe|извините|抱歉|对不起|很抱歉)[,:!，]? ?)?((but|that|however|as)\b[,:]? ?)?`)
	sentenceEnds = regexp.MustCompile(`[.!?]+(\s|$)|[。！？…，]+|\n+|[,;] `)
)

// mayBeNotice reports whether a text in lower case has a word of some form.
func mayBeNotice(lower string) bool {
	return slices.ContainsFunc(notices, func(n notice) bool { return containsAny(lower, n.words) })
}

// courteous reports whether a sentence is a courtesy.
func courteous(sentence string) bool {
	return containsAny(strings.ToLower(sentence), courteousWords) && courtesies.MatchString(sentence)
}

var courteousWords = []string{"try", "retry", "wait", "back", "contact", "apolog", "sorry", "oops", "thank", "notified", " id", "稍", "过会", "bitte", "veuillez", "por favor"}

// isNotice reports whether a content is a service's word about itself.
func isNotice(content string) bool {
	text := strings.Trim(strings.TrimSpace(content), "*_`\"'")
	if text == "" || len(text) > longestNotice {
		return isErrorPage(content)
	}
	if text[0] == '{' {
		return isErrorObject(text)
	}
	if isErrorPage(text) || strings.HasPrefix(text, "Traceback (most recent call last)") {
		return true
	}
	if !mayBeNotice(strings.ToLower(text)) {
		return false
	}
	found := false
	for _, s := range sentenceEnds.Split(text, -1) {
		s = strings.TrimSpace(strings.ReplaceAll(s, "’", "'"))
		bare := strings.TrimSpace(excuses.ReplaceAllString(s, ""))
		switch {
		case bare == "":
		case ofNotice(s) || ofNotice(bare):
			found = true
		case courteous(s) || courteous(bare):
		default:
			return false
		}
	}
	return found
}

// errorPage finds in the head of a page that it is one of a fault.
var errorPage = regexp.MustCompile(`(?i)^(<!doctype html|<html|<head)(?s:.{0,600})([45]\d\d|bad gateway|unavailable|time-?out|cloudflare|just a moment|nginx|error)`)

func isErrorPage(content string) bool {
	text := strings.TrimSpace(content)
	return strings.HasPrefix(text, "<") && errorPage.MatchString(text[:min(len(text), 1<<10)])
}

// isErrorObject reports whether a text is an object that tells of a service's fault and
// of nothing else.
func isErrorObject(text string) bool {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &object) != nil {
		return false
	}
	found := false
	for key, value := range object {
		switch strings.ToLower(key) {
		case "error", "errors", "detail", "message", "msg", "error_msg":
			var said string
			_ = json.Unmarshal(value, &said)
			found = found || said != "" && isNotice(said) || bytes.HasPrefix(value, []byte("{")) && isErrorObject(string(value))
		case "code", "status", "status_code", "type", "param", "request_id", "success", "statuscode", "error_code":
		default:
			return false
		}
	}
	return found
}
