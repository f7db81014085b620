package script

import (
	"cmp"
	"slices"
	"strings"
)

// WordInfo documents a word of the language.
type WordInfo struct {
	Word, Form, Doc string
}

// Verbs is the table of what can be done to machines and messages.
var Verbs = []WordInfo{
	{"kill", "kill NODE...", "as kill -9: memory is gone, the disk stays"},
	{"stop", "stop NODE...", "as shutdown.sh: the node says goodbye"},
	{"start", "start NODE...", "of a node that is down; takes as long as it takes"},
	{"restart", "restart NODE...", "stop, then start"},
	{"pause", "pause HOST...", "as kill -STOP: it accepts, but answers nothing"},
	{"resume", "resume HOST...", "go on, with all that arrived meanwhile"},
	{"partition", "partition HOST... | HOST... [over tcp|udp]", "the two sides cannot reach each other; heartbeats of McastService are udp, all else is tcp"},
	{"unroute", "unroute NODE...", "its machine loses its route for multicast, which McastService needs"},
	{"heal", "heal", "end every partition, and give the routes back"},
	{"skew", "skew HOST TIME", "put its clock ahead, or back (-5s)"},
	{"answer", "answer NODE STATUS|" + strings.Join(answers, "|") + " [N times] [set_cookie=\"NAME=VALUE\"]",
		"whatever the node is asked; ok ends it; http09: a text without a head; set_cookie: beside a status"},
	{"hold", "hold KIND [from HOST] [to HOST] [P%] [N times]", "keep messages, and those behind them on a connection"},
	{"drop", "drop KIND [from HOST] [to HOST] [P%] [N times]", "lose messages in the sender's queue"},
	{"duplicate", "duplicate KIND [from HOST] [to HOST] [P%] [N times]", "send them twice; HTTP requests and responses never come twice"},
	{"delay", "delay KIND [from HOST] [to HOST] by TIME [spread TIME] [P%] [N times]", "send them later, in order on a connection"},
	{"release", "release KIND [from HOST] [to HOST]", "end such rules; what was held goes on its way"},
}

// kindInfos is the table of the kinds of messages that rules and events name.
var kindInfos = []WordInfo{
	{"CREATED", "CREATED", "DeltaManager: a session was made"},
	{"DELTA", "DELTA", "DeltaManager: what a request changed in a session"},
	{"EXPIRED", "EXPIRED", "DeltaManager: a session is over"},
	{"ACCESSED", "ACCESSED", "DeltaManager: a session was used, and nothing else has said so for long"},
	{"CHANGE_ID", "CHANGE_ID", "DeltaManager: a session has another id"},
	{"GET_ALL", "GET_ALL", "DeltaManager: a node that starts asks for all sessions"},
	{"STATE", "STATE", "DeltaManager: the answer to that, with the sessions"},
	{"TRANSFER_COMPLETE", "TRANSFER_COMPLETE", "DeltaManager: that was all of the state"},
	{"ACK", "ACK", "the receiver's acknowledgement of one of these"},
	{"HEARTBEAT", "HEARTBEAT", "of the membership, by multicast"},
	{"REQUEST", "REQUEST", "an HTTP request, of a user or of the proxy"},
	{"RESPONSE", "RESPONSE", "the answer to one"},
	{"ANY", "ANY", "a message of any kind"},
}

// Kinds are the kinds of messages that rules and events name.
var Kinds = wordsOf(kindInfos)

func wordsOf(table []WordInfo) []string {
	words := make([]string, len(table))
	for i, w := range table {
		words[i] = w.Word
	}
	return words
}

// Methods are the request methods that users know.
var Methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "LOCK"}

var answers = []string{"close", "reset", "hang", "partial", "invalid_header", "http09", "ok"}

// Answers are the ways to answer that are no status.
func Answers() []string { return slices.Clone(answers) }

var answerOptions = &Element{Noun: "answer", Options: []Option{text("set_cookie", "a Set-Cookie line beside the status")}}

// triggerWords begin a trigger.
var triggerWords = []string{"at", "after", "every", "when", "whenever"}

// scriptWords begin the lines of a script, but for those that begin with a user.
var scriptWords = append(slices.Concat(triggerWords, verbWords()), "expect", "remember", "together", "wait", "meanwhile", "end")

func verbWords() []string { return wordsOf(Verbs) }

// statement reads one line of the script.
func (c cursor) statement(s *scope) (Statement, error) {
	st := Statement{Pos: c.pos()}
	if from, _ := variableAt(c.text[:c.end], c.at); from >= 0 {
		return st, c.unknownVariable(s, from)
	}
	first := ""
	for slices.Contains(triggerWords, c.peek()) {
		at := c.at
		t, err := c.trigger(s, st.Triggers)
		if err != nil {
			return st, err
		}
		st.Triggers = append(st.Triggers, t)
		if len(st.Triggers) > 16 {
			return st, c.fail(at, "", "more than 16 triggers in a chain")
		}
		first = t.Kind
	}
	if first != "" && c.done() {
		return st, c.fail(c.at, "such as: at 2s kill tomcat1", "nothing to do after %s", first)
	}
	if c.peek() == "wait" {
		at := c.at
		if first != "" {
			return st, c.fail(at, "write after TIME, or when EVENT, before what is to happen", "wait cannot be triggered")
		}
		var err error
		st.Act, err = c.wait(s)
		return st, err
	}
	var err error
	st.Act, err = c.act(s)
	return st, err
}

// act reads what a line does, up to its end.
func (c *cursor) act(s *scope) (Act, error) {
	w, at := c.word()
	switch w {
	case "kill", "stop", "start", "restart", "pause", "resume", "unroute":
		v := Verb{Name: w}
		var err error
		v.Hosts, err = c.hosts(s, w)
		return v, err
	case "heal":
		return Verb{Name: w}, c.finished(w)
	case "partition":
		return c.partition(s)
	case "skew":
		return c.skew(s)
	case "answer":
		return c.answer(s)
	case "hold", "drop", "duplicate", "delay", "release":
		return c.rule(s, w)
	case "expect":
		return c.expect(s)
	case "remember":
		return c.remember(s)
	case "together":
		return c.together(s)
	}
	return c.step(s, w, at)
}

// hosts reads the machines after a verb: nodes, and the proxy where it can be
// meant.
func (c *cursor) hosts(s *scope, verb string, otherSide ...string) ([]string, error) {
	var hosts []string
	for len(hosts) == 0 || !c.done() {
		c.space()
		at := c.at
		if ahead := *c; verb == "partition" && len(otherSide) > 0 && len(hosts) > 0 && ahead.accept("over") {
			break
		}
		var h string
		var err error
		if verb == "pause" || verb == "resume" || verb == "partition" {
			h, err = c.machine(s, verb, false)
		} else {
			h, err = c.node(s, verb)
		}
		if err != nil {
			return nil, err
		}
		if slices.Contains(hosts, h) {
			return nil, c.fail(at, "", "%q is given twice", h)
		}
		if slices.Contains(otherSide, h) {
			return nil, c.fail(at, "", "%q is on both sides", h)
		}
		hosts = append(hosts, h)
	}
	return hosts, nil
}

func (c *cursor) partition(s *scope) (Act, error) {
	c.space()
	sides := c.split('|')
	if len(sides) != 2 {
		return nil, c.fail(c.at, "partition tomcat1 | tomcat2 tomcat3", "a partition has two sides")
	}
	var p Partition
	var err error
	if p.One, err = sides[0].hosts(s, "partition"); err != nil {
		return nil, err
	}
	other := sides[1]
	if p.Other, err = other.hosts(s, "partition", p.One...); err != nil || other.done() {
		return p, err
	}
	other.word() // over
	transport, at := other.word()
	if transport != "tcp" && transport != "udp" {
		return nil, other.fail(at, "over tcp: connections; over udp: datagrams, which are the heartbeats of McastService", "%q is no transport", transport)
	}
	p.Over = transport
	return p, other.finished("partition")
}

func (c *cursor) skew(s *scope) (Act, error) {
	host, err := c.machine(s, "skew", false)
	if err != nil {
		return nil, err
	}
	c.space()
	negative := c.at < c.end && c.text[c.at] == '-'
	if negative || c.at < c.end && c.text[c.at] == '+' {
		c.at++
	}
	by, err := c.time("skew " + host)
	if err != nil {
		return nil, err
	}
	if negative {
		by = -by
	}
	return Skew{Host: host, By: by}, c.finished("the time")
}

func (c *cursor) answer(s *scope) (Act, error) {
	var a Answer
	var err error
	if a.Host, err = c.node(s, "answer"); err != nil {
		return nil, err
	}
	w, at := c.word()
	switch n, err := parseCount(w); {
	case err == nil && n >= 200 && n <= 599:
		a.Status = int(n)
	case err == nil:
		return nil, c.fail(at, "200 to 599", "%s is no status of an answer", w)
	case slices.Contains(answers, w):
		a.How = w
	default:
		return nil, c.fail(at, "a status, or "+orList(answers), "%s is no way to answer", orNothing(w))
	}
	c.space()
	countAt := c.at
	if a.Count, err = c.count(); err != nil {
		return nil, err
	}
	if a.How == "ok" && a.Count > 0 {
		return nil, c.fail(countAt, "", "ok ends the answers and is not counted")
	}
	if !c.isOption() {
		return a, c.finished("the answer")
	}
	c.space()
	optionAt := c.at
	options, err := c.options(answerOptions)
	if err != nil {
		return nil, err
	}
	a.SetCookie = options[0].Text
	switch name, _, ok := strings.Cut(a.SetCookie, "="); {
	case a.Status == 0:
		return nil, c.fail(optionAt, "such as answer "+a.Host+` 200 set_cookie="SID=s1"`, "set_cookie stands beside a status")
	case !ok || strings.TrimSpace(name) == "" || strings.ContainsFunc(a.SetCookie, func(r rune) bool { return r < ' ' || r >= 0x7f }):
		return nil, c.fail(optionAt, `such as set_cookie="SID=s1; Path=/"`, "%q sets no cookie", a.SetCookie)
	}
	return a, nil
}

// maxTimes is how often one line repeats something.
const maxTimes = 1_000_000

// count reads N times, if it stands here.
func (c *cursor) count() (int, error) {
	w := c.peek()
	if w == "" || !isDigit(w[0]) || strings.HasSuffix(w, "%") {
		return 0, nil
	}
	_, at := c.word()
	n, err := parseBounded(w)
	if err != nil {
		return 0, c.fail(at, "such as 3 times", "%v", err)
	}
	if n < 1 || n > maxTimes {
		return 0, c.fail(at, "every one of them is kept in memory", "%s times is out of range: 1 to %d", w, maxTimes)
	}
	if !c.accept("times") && !c.accept("time") {
		return 0, c.fail(at, "write "+w+" times", "%s of what?", w)
	}
	return int(n), nil
}

func (c *cursor) rule(s *scope, verb string) (Act, error) {
	r := Rule{Verb: verb, Percent: 100}
	var err error
	c.space()
	at := c.at
	if r.Kind, err = c.kind(verb); err != nil {
		return nil, err
	}
	if verb == "duplicate" && (r.Kind == "REQUEST" || r.Kind == "RESPONSE") {
		return nil, c.fail(at, "a connection delivers an HTTP message once; a proxy sends a request again where proxy_next_upstream says non_idempotent",
			"%s cannot be duplicated", r.Kind)
	}
	if c.accept("from") {
		if r.Link.From, err = c.machine(s, "from", true); err != nil {
			return nil, err
		}
	}
	if c.accept("to") {
		c.space()
		at := c.at
		if r.Link.To, err = c.machine(s, "to", true); err != nil {
			return nil, err
		}
		if r.Link.To == r.Link.From {
			return nil, c.fail(at, "", "%s sends itself no messages", r.Link.To)
		}
	}
	switch verb {
	case "release":
		return r, c.finished("release")
	case "delay":
		if err := c.delay(&r); err != nil {
			return nil, err
		}
	}
	if w := c.peek(); strings.HasSuffix(w, "%") {
		_, at := c.word()
		n, err := parsePercent(w)
		if err != nil {
			return nil, c.fail(at, "", "%v", err)
		}
		if n == 0 {
			return nil, c.fail(at, "leave the line out", "a rule for 0%% of the messages does nothing")
		}
		r.Percent = float64(n) / percentUnit
	}
	if r.Count, err = c.count(); err != nil {
		return nil, err
	}
	if w := c.peek(); w == "from" {
		c.space()
		return nil, c.fail(c.at, verb+" "+r.Kind+" from HOST to HOST", "from comes before to")
	}
	return r, c.finished(verb + " " + r.Kind)
}

func (c *cursor) delay(r *Rule) (err error) {
	if !c.accept("by") {
		c.space()
		return c.fail(c.at, "delay "+r.Kind+" by 200ms", "by TIME is missing")
	}
	c.space()
	at := c.at
	if r.By, err = c.time("by"); err != nil {
		return err
	}
	if c.accept("spread") {
		if r.Spread, err = c.time("spread"); err != nil {
			return err
		}
	}
	if r.By+r.Spread == 0 {
		return c.fail(at, "leave the line out", "a delay by 0s does nothing")
	}
	return nil
}

func (c *cursor) together(s *scope) (Act, error) {
	var t Together
	c.space()
	for _, part := range c.split(';') {
		w := part.peek()
		switch {
		case w == "":
			return nil, part.fail(part.at, "together remember n = sessions.on(tomcat1); kill tomcat1", "nothing stands between the semicolons")
		case w == "together" || w == "wait" || slices.Contains(triggerWords, w):
			return nil, part.fail(part.at, "", "%s cannot stand within together", w)
		}
		a, err := part.act(s)
		if err != nil {
			return nil, err
		}
		t.Acts = append(t.Acts, a)
	}
	if len(t.Acts) == 1 {
		return nil, c.fail(c.at, "separate them by a semicolon and a blank", "together has one act only")
	}
	return t, nil
}

func (c *cursor) wait(s *scope) (Act, error) {
	c.word()
	switch {
	case c.accept("for"):
		w, at := c.word()
		user, label, dotted := strings.Cut(w, ".")
		if w == "" {
			return nil, c.fail(at, "wait for alice", "a user is missing after for")
		}
		if _, declared := s.users[user]; !declared {
			return nil, c.fail(at, s.userHint(user), "unknown user %q", user)
		}
		if dotted && !s.labels[w] && !s.prompt {
			var labels []string
			for l := range s.labels {
				labels = append(labels, l)
			}
			slices.Sort(labels)
			hint := "label one: meanwhile " + user + " GET /counter as " + cmp.Or(label, "slow")
			if len(labels) > 0 {
				hint = wordHint(w, labels)
			}
			return nil, c.fail(at, hint, "no request of %s before this line is labelled %q", user, label)
		}
		return WaitFor{User: user, Label: label}, c.finished("the user")
	case c.accept("until"):
		e, err := c.event(s, "until")
		if err != nil {
			return nil, err
		}
		return WaitUntil{Event: e}, c.finished("the event")
	}
	if w := c.peek(); w != "" && !isDigit(w[0]) {
		c.space()
		return nil, c.fail(c.at, "wait 2s, wait for USER, or wait until EVENT", "%q is no time", w)
	}
	d, err := c.time("wait")
	if err != nil {
		return nil, err
	}
	return Wait{For: d}, c.finished("the time")
}
