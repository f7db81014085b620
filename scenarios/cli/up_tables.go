package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"sessionlab/appnode"
	"sessionlab/lab"
	"sessionlab/proxy"
	"sessionlab/proxy/upstream"
	"sessionlab/scenarios"
	"sessionlab/scenarios/report"
	"sessionlab/sessions"
	"sessionlab/sessions/delta"
)

// nodeTable is the nodes by their own account; without addresses if url is nil.
func nodeTable(nodes []lab.NodeStatus, clustered bool, frozen func(name string) bool, url func(addr string) string) *table {
	t := &table{}
	head := []string{"NODE", "STATE"}
	if url != nil {
		head = append(head, "ADDRESS")
	}
	head = append(head, ">REQUESTS", ">BUSY", ">WAITING", ">ERRORS", ">SESSIONS")
	if clustered {
		head = append(head, "SEES")
	}
	t.head(head...)
	for _, n := range nodes {
		state := coloured(map[lab.State]report.Colour{lab.NodeUp: report.Green, lab.NodeDown: report.Red}[n.State], string(n.State))
		if state.colour == report.Plain {
			state.colour = report.Yellow
		}
		if frozen(n.Name) {
			state = coloured(report.Yellow, "paused")
		}
		row := []field{plain(n.Name), state}
		if url != nil {
			row = append(row, plain(url(n.Addr)))
		}
		if n.State == lab.NodeUp {
			c := n.Node.Counts
			row = append(row, number(c.Requests), number(c.Busy), number(c.Waiting), number(c.Errors), number(n.Node.Sessions.Active))
		} else {
			row = append(row, unknown(), unknown(), unknown(), unknown(), unknown())
		}
		if clustered {
			row = append(row, plain(cmp.Or(seen(n.Members), "-")))
		}
		t.row(row...)
	}
	return t
}

// channelTable is what the nodes' channels have sent and received, and the
// threads that do it.
func channelTable(nodes []lab.NodeStatus) *table {
	t := &table{}
	t.head("CHANNEL", ">SENT", ">RECEIVED", ">QUEUED", ">SENDERS", ">DISPATCH", ">RECEIVER", ">BUSY", ">WAITING")
	for _, n := range nodes {
		c := n.Channel
		if c == nil {
			t.row(plain(n.Name), unknown(), unknown(), unknown(), unknown(), unknown(), unknown(), unknown(), unknown())
			continue
		}
		t.row(plain(n.Name), number(c.Sent), number(c.Received), number(c.Queued), number(c.SendersInUse+c.SendersIdle),
			number(c.DispatchThreads), number(c.ReceiverThreads), number(c.ReceiverBusy), number(c.ReceiverWaiting))
	}
	return t
}

// deltaTable is what the nodes' DeltaManagers have sent and received, by Tomcat's
// kinds of messages, and the copies that were replaced.
func deltaTable(nodes []lab.NodeStatus) *table {
	t := &table{}
	t.head("SENT/RECEIVED", ">CREATED", ">DELTA", ">ACCESSED", ">EXPIRED", ">CHANGE_ID", ">STATE", ">REPLACED")
	kinds := []delta.Kind{delta.Created, delta.Delta, delta.Accessed, delta.Expired, delta.ChangeID, delta.State}
	for _, n := range nodes {
		row := []field{plain(n.Name)}
		for _, k := range kinds {
			if c := n.Delta; c == nil {
				row = append(row, unknown())
			} else {
				row = append(row, field{text: fmt.Sprintf("%d/%d", c.Sent[k], c.Received[k]), right: true})
			}
		}
		if n.Delta == nil {
			row = append(row, unknown())
		} else {
			row = append(row, number(n.Delta.Events[delta.CopyReplaced]))
		}
		t.row(row...)
	}
	return t
}

// replicationTable is the statistics of the nodes' ReplicationValves, nil if none
// are kept.
func replicationTable(nodes []lab.NodeStatus) *table {
	var t *table
	for _, n := range nodes {
		s := n.Node.Replication
		if s == nil {
			continue
		}
		if t == nil {
			t = &table{}
			t.head("REPLICATIONVALVE", ">REQUESTS", ">SENT", ">FILTERED", ">REQUEST TIME", ">SEND TIME")
		}
		t.row(plain(n.Name), number(s.Requests), number(s.Sent), number(s.Filtered),
			field{text: s.RequestTime.String(), right: true}, field{text: s.SendTime.String(), right: true})
	}
	return t
}

// seen lists the members that a node sees. After a kill and a quick start it may
// list a node twice for a while: once for each life.
func seen(members []string) string {
	var words []string
	for i := 0; i < len(members); {
		n := 1
		for i+n < len(members) && members[i+n] == members[i] {
			n++
		}
		word := members[i]
		if n > 1 {
			word = fmt.Sprintf("%dx %s", n, word)
		}
		words = append(words, word)
		i += n
	}
	return strings.Join(words, " ")
}

// proxyTable is the nodes as the proxy sees them.
func proxyTable(groups []proxy.GroupStatus, frozen func(name string) bool, names map[string]string) *table {
	t := &table{}
	t.head("PROXY SENDS TO", "STATE", ">WEIGHT", ">FAILS", ">IN FLIGHT", ">REQUESTS")
	if frozen(lab.ProxyName) {
		t.row(coloured(report.Yellow, "the proxy is paused"))
	}
	for _, g := range groups {
		if len(groups) > 1 {
			t.row(coloured(report.Dim, "upstream "+g.Name))
		}
		for _, s := range g.Servers {
			state := coloured(report.Green, string(s.State))
			switch s.State {
			case upstream.Up:
			case upstream.Unavail:
				state.colour = report.Red
			default:
				state.colour = report.Yellow
			}
			if s.Backup {
				state.text += ", backup"
			}
			t.row(plain(cmp.Or(names[s.Addr], s.Addr)), state, number(s.Weight), number(s.Fails), number(s.Conns), number(s.Requests))
		}
	}
	return t
}

// userTable is who does what.
func userTable(users []scenarios.UserStatus) *table {
	t := &table{}
	t.head("USER", "FROM", "DOES", ">REQUESTS", ">FAILED", ">SESSIONS", "LAST ANSWER BY", "SESSION")
	for _, u := range users {
		does := "what you type"
		if u.Journey != "" {
			does = "journey=" + u.Journey
		}
		if u.UnderWay > 0 {
			does += ", waits"
		}
		failed := number(u.Failed)
		if u.Failed > 0 {
			failed.colour = report.Red
		}
		t.row(plain(u.Name), plain(u.Addr), plain(does), number(u.Requests), failed, number(u.Sessions),
			plain(cmp.Or(u.Node, "-")), plain(cmp.Or(scenarios.ShortID(u.Session), "-")))
	}
	return t
}

// holder is a node with the copies that it holds.
type holder struct {
	name   string
	absent lab.State // why it has none to show; "" if it is there
	copies []appnode.Copy
}

// sessionRow is one session: its copies on each node. A node may hold two of
// them under ids with different routes.
type sessionRow struct {
	base, user string
	created    int64
	copies     [][]appnode.Copy // by holder
}

// sessionRows sorts copies into sessions, the oldest session first. owners
// says whose session an id without its route is.
func sessionRows(held []holder, owners map[string]string) []*sessionRow {
	var rows []*sessionRow
	byBase := map[string]*sessionRow{}
	for i, h := range held {
		for _, c := range h.copies {
			base := sessions.Base(c.ID)
			row := byBase[base]
			if row == nil {
				row = &sessionRow{base: base, user: owners[base], created: c.Created, copies: make([][]appnode.Copy, len(held))}
				byBase[base] = row
				rows = append(rows, row)
			}
			row.created = min(row.created, c.Created)
			row.copies[i] = append(row.copies[i], c)
		}
	}
	slices.SortFunc(rows, func(a, b *sessionRow) int {
		return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.base, b.base))
	})
	return rows
}

// sessionTable is which node holds which copy; narrow leaves the routes out.
func sessionTable(held []holder, rows []*sessionRow, narrow bool) *table {
	t := &table{}
	head := []string{"SESSION", "USER"}
	for _, h := range held {
		name := h.name
		if h.absent != "" {
			name += " (" + string(h.absent) + ")"
		}
		head = append(head, name)
	}
	t.head(append(head, "")...)
	for _, r := range rows {
		fields := []field{plain(scenarios.ShortID(r.base)), plain(cmp.Or(r.user, "visitor"))}
		for _, copies := range r.copies {
			fields = append(fields, copiesField(copies, narrow))
		}
		t.row(append(fields, coloured(report.Red, r.divergence()))...)
	}
	return t
}

func copiesField(copies []appnode.Copy, narrow bool) field {
	if len(copies) == 0 {
		return coloured(report.Dim, "-")
	}
	f := field{}
	var parts []string
	for _, c := range copies {
		letter := "S"
		switch c.Role {
		case appnode.Primary:
			letter = "P"
		case appnode.Replica:
			letter = "c"
		}
		if c.Role != appnode.Replica {
			f.colour = report.Green
		}
		if route := sessions.RouteOf(c.ID); route != "" && !narrow {
			letter += " ." + route
		}
		room := widest
		if narrow {
			room = narrowest
		}
		parts = append(parts, letter+" "+content(c.Attributes, room))
	}
	f.text = strings.Join(parts, " + ")
	return f
}

// content is one attribute with its value, count if there is one, and how many
// more there are. A value is clipped to room characters.
func content(attributes []sessions.Attribute, room int) string {
	if len(attributes) == 0 {
		return "empty"
	}
	shown := attributes[0]
	for _, a := range attributes {
		if a.Name == "count" {
			shown = a
		}
	}
	text := shown.Name + "=" + clipped(shown.Text, room)
	if more := len(attributes) - 1; more > 0 {
		text += fmt.Sprintf(" +%d", more)
	}
	return text
}

// How many characters of a value a column has room for, and in a narrow table.
const (
	widest    = 16
	narrowest = 8
)

func clipped(text string, room int) string {
	if utf8.RuneCountInString(text) <= room {
		return text
	}
	return string([]rune(text)[:room-3]) + "..."
}

// divergence says in what the copies of a session differ; "" if they agree.
func (r *sessionRow) divergence() string {
	var first *appnode.Copy
	var differ []string
	add := func(what string) {
		if !slices.Contains(differ, what) {
			differ = append(differ, what)
		}
	}
	for _, copies := range r.copies {
		for i := range copies {
			c := &copies[i]
			if first == nil {
				first = c
				continue
			}
			if !slices.Equal(first.Attributes, c.Attributes) {
				add("attributes differ")
			}
			if first.ID != c.ID {
				add("ids differ")
			}
		}
	}
	return strings.Join(differ, ", ")
}
