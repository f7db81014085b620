package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sessionlab/appnode"
	"sessionlab/scenarios/report"
	"sessionlab/scenarios/script"
	"sessionlab/sessions"
)

// The words that end the lab.
const (
	wordQuit = "quit"
	wordExit = "exit"
)

// ownWord is a word of the prompt that no script knows.
type ownWord struct {
	word, form, doc string
	do              func(p *prompt, args []string) error
}

// ownWords is the table of them.
func ownWords() []ownWord {
	return []ownWord{
		{"help", "help [TOPIC]", "this; topics: scenario, pages, kill, cluster, and so on", (*prompt).help},
		{"status", "status", "nodes, and the proxy's view of them", (*prompt).showStatus},
		{"sessions", "sessions [all]", "which node holds which copy of which session", (*prompt).showSessions},
		{"users", "users [quiet|go]", "who does what, and how it goes; quiet: the population waits; go: it goes on", (*prompt).showUsers},
		{"timeline", "timeline [N]", "the last 15, or N, things that happened", (*prompt).showTimeline},
		{"report", "report", "what has become of every session so far", (*prompt).showReport},
		{"disarm", "disarm", "end what after, every, when and whenever wait for", (*prompt).disarm},
		{"quiet", "quiet", "do not tell what happens", func(p *prompt, args []string) error { return p.hush("quiet", args) }},
		{"tell", "tell", "tell it again", func(p *prompt, args []string) error { return p.hush("tell", args) }},
		{wordQuit, "quit", "end the lab; so do exit, Ctrl-D and Ctrl-C", func(*prompt, []string) error { return nil }},
	}
}

func noArguments(word string, args []string) error {
	if len(args) > 0 {
		return misuse("", "%s takes no arguments: %q", word, args[0])
	}
	return nil
}

func (p *prompt) hush(word string, args []string) error {
	if err := noArguments(word, args); err != nil {
		return err
	}
	p.news.hush(word == "quiet")
	return nil
}

func (p *prompt) disarm(args []string) error {
	if err := noArguments("disarm", args); err != nil {
		return err
	}
	p.live.Disarm()
	p.say("nothing is armed any more\n")
	return nil
}

func (p *prompt) help(args []string) error {
	var b strings.Builder
	if len(args) == 0 {
		p.overview(&b)
		p.say(b.String())
		return nil
	}
	for _, w := range ownWords() {
		if w.word == args[0] {
			fmt.Fprintf(&b, "%s\n    %s\n", w.form, w.doc)
		}
	}
	b.WriteString(helpOn(args[0]))
	if b.Len() == 0 {
		hint := "topics: " + strings.Join(listTopics, ", ") + ", and every word; Tab shows all"
		if near := script.Nearest(args[0], helpTopics()); near != "" {
			hint = fmt.Sprintf("did you mean %q?", "help "+near)
		}
		return misuse(hint, "there is no help on %q", args[0])
	}
	p.say(folded(b.String(), p.env.width(p.env.Stdout)))
	return nil
}

func helpTopics() []string {
	topics := wordTopics()
	for _, w := range ownWords() {
		topics = append(topics, w.word)
	}
	return topics
}

// overview is the help without a topic.
func (p *prompt) overview(b *strings.Builder) {
	node, user := p.live.Lab().Nodes()[0], p.live.Scenario().Users()[0]
	t := &table{fold: p.env.width(p.env.Stdout)}
	heading := func(text string) { t.row(coloured(report.Bold, text)) }
	heading("Look")
	for _, w := range ownWords() {
		t.row(plain("  "+w.form), plain(w.doc))
	}
	t.row()
	heading("Do to machines and messages")
	for _, v := range script.Verbs {
		form := v.Form
		if len(form) > 30 {
			form = v.Word + " ..."
		}
		t.row(plain("  "+form), plain(v.Doc))
	}
	t.row()
	heading("Send, wait, judge")
	for _, line := range [][2]string{
		{user + " POST /counter 3 times", "a user's requests; Tab knows the pages"},
		{user + " GET /session on " + node, "straight to a node, not by the proxy"},
		{"meanwhile " + user + " GET /?ms=5000", "in the background"},
		{"wait until " + node + " is up", "or wait 2s, wait for " + user},
		{"after 2s kill " + node, "also every 2s, when EVENT, whenever EVENT"},
		{"expect sessions.lost == 0", "so far; help figures has what can be judged"},
	} {
		t.row(plain("  "+line[0]), plain(line[1]))
	}
	t.write(b, p.paint)
}

func (p *prompt) showStatus(args []string) error {
	if err := noArguments("status", args); err != nil {
		return err
	}
	l := p.live.Lab()
	names := map[string]string{}
	for _, name := range l.Nodes() {
		names[l.NodeAddr(name)] = name
	}
	status := l.Status()
	nodes := nodeTable(status, l.Clustered(), p.news.isFrozen, p.page)
	if width := p.env.width(p.env.Stdout); width > 0 && nodes.width() > width {
		nodes = nodeTable(status, l.Clustered(), p.news.isFrozen, nil) // the first screen has the addresses
	}
	tables := []*table{nodes, proxyTable(l.ProxyStatus(), p.news.isFrozen, names)}
	if l.Clustered() {
		tables = append(tables, channelTable(status), deltaTable(status))
	}
	if t := replicationTable(status); t != nil {
		tables = append(tables, t)
	}
	p.showTables(tables...)
	return nil
}

// mostSessions is how many sessions are shown unless all are asked for.
const mostSessions = 20

func (p *prompt) showSessions(args []string) error {
	limit := mostSessions
	switch {
	case len(args) == 1 && args[0] == "all":
		limit = 0
	case len(args) > 0:
		return misuse("sessions, or sessions all", "sessions does not know %q", args[0])
	}
	l := p.live.Lab()
	held := make([]holder, 0, len(l.Nodes()))
	for _, n := range l.Status() {
		h := holder{name: n.Name}
		if node := l.Node(n.Name); node != nil {
			h.copies = node.Copies()
		} else {
			h.absent = n.State
		}
		held = append(held, h)
	}
	owners := map[string]string{}
	for _, u := range p.live.Users() {
		if base := sessions.Base(u.Session); base != "" {
			owners[base] = u.Name
		}
	}
	rows := sessionRows(held, owners)
	if len(rows) == 0 {
		p.say("no node holds a session\n")
		return nil
	}
	more := 0
	if limit > 0 && len(rows) > limit {
		more = len(rows) - limit
		rows = rows[more:]
	}
	var b strings.Builder
	width := p.env.width(p.env.Stdout)
	t := sessionTable(held, rows, false)
	narrow := width > 0 && t.width() > width
	if narrow {
		t = sessionTable(held, rows, true)
	}
	p.lay(&b, t)
	fmt.Fprintln(&b, report.Paint(p.paint, report.Dim, hang("", legend(held, narrow), width)))
	if more > 0 {
		fmt.Fprintf(&b, "%s left out: sessions all shows them\n", count(more, "older session", "older sessions"))
	}
	p.say(b.String())
	return nil
}

func legend(held []holder, narrow bool) string {
	text := "S the only copy there is, - none"
	for _, h := range held {
		if slices.ContainsFunc(h.copies, func(c appnode.Copy) bool { return c.Role != appnode.Sole }) {
			text = "P primary copy, c copy, - none"
		}
	}
	if !narrow {
		text += "; .route is the end of the id that this copy has"
	}
	return text
}

func (p *prompt) showUsers(args []string) error {
	switch {
	case len(args) == 0:
		p.showTables(userTable(p.live.Users()))
		return nil
	case len(args) > 1 || args[0] != "quiet" && args[0] != "go":
		return misuse("users, users quiet, or users go", "users does not know %q", strings.Join(args, " "))
	case !p.live.Silence(args[0] == "quiet"):
		return misuse(`a line such as "users 5 journey=counter" in the scenario makes one`, "there is no population: every user does what you type")
	case args[0] == "quiet":
		p.say("the population waits; users go wakes it\n")
	default:
		p.say("the population goes on\n")
	}
	return nil
}

func (p *prompt) showTimeline(args []string) error {
	last := 15
	if len(args) > 0 {
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 || len(args) > 1 {
			return misuse("such as timeline 30", "timeline takes a number of lines")
		}
		last = n
	}
	events := p.live.Events()
	if len(events) == 0 {
		p.say("nothing has happened yet\n")
		return nil
	}
	var b strings.Builder
	for _, e := range events[max(0, len(events)-last):] {
		fmt.Fprintln(&b, moment(e.At, e.Text, p.env.width(p.env.Stdout)))
	}
	p.say(b.String())
	return nil
}

func (p *prompt) showReport(args []string) error {
	if err := noArguments("report", args); err != nil {
		return err
	}
	var b strings.Builder
	if err := p.reportSoFar(&b); err != nil {
		return err
	}
	p.say(b.String())
	return nil
}

// lay writes a table as wide as the terminal.
func (p *prompt) lay(b *strings.Builder, t *table) {
	for _, part := range t.fit(p.env.width(p.env.Stdout)) {
		part.write(b, p.paint)
	}
}

func (p *prompt) showTables(tables ...*table) {
	var b strings.Builder
	for i, t := range tables {
		if i > 0 {
			b.WriteByte('\n')
		}
		p.lay(&b, t)
	}
	p.say(b.String())
}
