package script

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Scenario is a scenario file as read. A file with vary or sweep lines stands
// for several scenarios: its statements then show the values of the first cell,
// and what is to be run is what Cells returns.
type Scenario struct {
	Name        string     // as given to Parse
	Nouns       []Noun     // in the order of the file
	Variables   []Variable // vary and sweep lines
	Script      []Statement
	End         time.Duration
	Final       []Statement // the expectations after the end; every Act is an Expect
	Attachments []Attachment

	cells []Cell
}

// Attachment is a real configuration file at the end of a scenario.
type Attachment struct {
	Name string // such as nginx.conf
	Pos  Pos    // of its first line of text, within the scenario file
	Data []byte
}

// Noun is a line that declares something. Which fields are set depends on Word.
type Noun struct {
	Pos  Pos
	Word string // "nodes", "manager", "proxy", ...

	// Names are the names after nodes (generated ones where a number stands
	// there), or the words after worlds.
	Names []string
	// Name is the one after node, server or user.
	Name string
	// N is how many users.
	N int
	// Class is Tomcat's class or nginx's method; set even where it was left out.
	Class string
	// Args follow the method of a proxy: the key of hash, and the words
	// consistent, two, least_conn.
	Args []string
	// Flags of a server, in this order: backup, down, drain.
	Flags []string
	// Text is a title, a user's address, or a version.
	Text    string
	Version Version // after tomcat and nginx
	Options Options

	// Template is the line as written if it has a $NAME in it.
	Template string
}

// Has reports whether a server line has a flag.
func (n Noun) Has(flag string) bool { return slices.Contains(n.Flags, flag) }

// String is the canonical line.
func (n Noun) String() string {
	if n.Template != "" {
		return n.Template
	}
	b := n.Word
	add := func(words ...string) {
		for _, w := range words {
			b += " " + w
		}
	}
	switch n.Word {
	case "title":
		add(titleText(n.Text))
	case "worlds", "nodes":
		add(n.Names...)
		if n.Word == "nodes" && n.generated() {
			b = "nodes " + strconv.Itoa(len(n.Names))
		}
	case "tomcat", "nginx":
		add(n.Text)
	case "node", "server":
		add(n.Name)
		add(n.Flags...)
	case "user":
		add(n.Name)
		if n.Text != "" {
			add("from", n.Text)
		}
	case "users":
		add(strconv.Itoa(n.N))
	case "proxy":
		add(n.Class)
		for _, a := range n.Args {
			if strings.Contains(a, "=") {
				add(quote(a))
			} else {
				add(bare(a))
			}
		}
	default:
		if n.Class != "" {
			add(n.Class)
		}
	}
	return b + n.Options.text()
}

// generated reports names tomcat1, tomcat2, ... as a number gives them.
func (n Noun) generated() bool {
	for i, name := range n.Names {
		if name != generatedNode(i) {
			return false
		}
	}
	return true
}

func generatedNode(i int) string { return "tomcat" + strconv.Itoa(i+1) }
func generatedUser(i int) string { return "user" + strconv.Itoa(i+1) }

// titleText quotes a title only where it would otherwise read back differently.
func titleText(s string) string {
	if s == "" || strings.Trim(s, " \t") != s || s[0] == '"' || strings.HasPrefix(s, "#") ||
		strings.Contains(s, " #") || strings.Contains(s, "\t") || strings.Contains(s, "  ") {
		return quote(s)
	}
	return s
}

// Version is a release of Tomcat or nginx. The zero value is none; Patch is -1
// where only the series was named.
type Version struct {
	Major, Minor, Patch int
}

// Less orders versions; a series counts as its first release.
func (v Version) Less(w Version) bool {
	return slices.Compare([]int{v.Major, v.Minor, max(0, v.Patch)}, []int{w.Major, w.Minor, max(0, w.Patch)}) < 0
}

// Noun is the line of a word that may stand once, such as manager or proxy;
// the zero Noun if there is none.
func (s *Scenario) Noun(word string) Noun {
	for _, n := range s.Nouns {
		if n.Word == word {
			return n
		}
	}
	return Noun{}
}

// All gives the lines of a word that may stand several times, in their order:
// interceptor, valve, node, server, user.
func (s *Scenario) All(word string) []Noun {
	var all []Noun
	for _, n := range s.Nouns {
		if n.Word == word {
			all = append(all, n)
		}
	}
	return all
}

// Named is the node, server or user line of a name; the zero Noun if there is none.
func (s *Scenario) Named(word, name string) Noun {
	for _, n := range s.Nouns {
		if n.Word == word && n.Name == name {
			return n
		}
	}
	return Noun{}
}

// Title is the text of the title line.
func (s *Scenario) Title() string { return s.Noun("title").Text }

// Worlds are the worlds that the scenario claims to give the same verdict in:
// sim, loopback or both. Without the line that is sim alone.
func (s *Scenario) Worlds() []string {
	if w := s.Noun("worlds").Names; w != nil {
		return slices.Clone(w)
	}
	return []string{"sim"}
}

// Nodes are the names of the nodes.
func (s *Scenario) Nodes() []string { return slices.Clone(s.Noun("nodes").Names) }

// Node gives the options of one node: those of its own line, and beneath them
// those of the nodes line.
func (s *Scenario) Node(name string) Options {
	return s.Named("node", name).Options.over(s.Noun("nodes").Options)
}

// Users are the names of all users: those declared by name, then user1, user2,
// ... who go their way by themselves.
func (s *Scenario) Users() []string {
	var names []string
	for _, u := range s.All("user") {
		names = append(names, u.Name)
	}
	for i := range s.Noun("users").N {
		names = append(names, generatedUser(i))
	}
	return names
}

// Attachment finds an attached file.
func (s *Scenario) Attachment(name string) (Attachment, bool) {
	for _, a := range s.Attachments {
		if a.Name == name {
			return a, true
		}
	}
	return Attachment{}, false
}

// Append adds a statement that was typed at a prompt, with the next step
// number, so that later lines may refer to its names. It returns the number.
func (s *Scenario) Append(st Statement) int {
	st.Step = len(s.Script) + len(s.Final) + 1
	s.Script = append(s.Script, st)
	return st.Step
}

// Print is the canonical text of a scenario: nouns, variables, script, end,
// final expectations, attachments. Comments are not kept. Parsing it gives the
// same scenario again, but for positions.
func Print(s *Scenario) string {
	var b strings.Builder
	for _, n := range s.Nouns {
		fmt.Fprintln(&b, n)
	}
	for _, v := range s.Variables {
		fmt.Fprintln(&b, v)
	}
	for _, st := range s.Script {
		fmt.Fprintln(&b, st)
	}
	fmt.Fprintln(&b, "end", formatDuration(s.End))
	for _, st := range s.Final {
		fmt.Fprintln(&b, st)
	}
	for _, a := range s.Attachments {
		fmt.Fprintf(&b, "-- %s --\n%s", a.Name, a.Data)
	}
	return b.String()
}
