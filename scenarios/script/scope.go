package script

import (
	"slices"
	"strconv"
	"strings"
)

// scope is what names mean while lines are read: the nodes, users and
// variables declared, and what the script has named so far.
type scope struct {
	nodes     map[string]bool
	nodeList  []string
	users     map[string]Pos // declared by name
	userList  []string
	crowd     int // users who go their way by themselves
	values    map[string]string
	variables []Variable

	remembered map[string]ValueType
	labels     map[string]bool // "alice.first"
	prompt     bool            // lines come one by one: labels cannot all be known
	final      bool            // the end line has been read
	cell       bool            // one cell is read: expectations for others are skipped
}

func newScope() *scope {
	return &scope{
		nodes: map[string]bool{}, users: map[string]Pos{}, values: map[string]string{},
		remembered: map[string]ValueType{}, labels: map[string]bool{},
	}
}

// reserved words cannot be names of nodes, users, or remembered values.
var reserved = func() map[string]bool {
	words := map[string]bool{}
	for _, list := range [][]string{nounWords, scriptWords, {"proxy", "quiet", "on", "from", "to", "by", "over", "as", "for", "until",
		"and", "is", "true", "false", NoCookie, "USER", "ATTRIBUTE"}} {
		for _, w := range list {
			words[w] = true
		}
	}
	for _, f := range Figures {
		root, _, _ := strings.Cut(f.Name, ".")
		words[root] = true
	}
	return words
}()

// name reads a name of letters, digits and underscores, and hyphens for nodes.
func (c *cursor) name(what string, hyphen bool) (string, int, error) {
	w, at := c.word()
	if w == "" {
		return "", at, c.fail(at, "", "the name of %s is missing", what)
	}
	for i := range len(w) {
		if !(isIdent(w[i]) && (i > 0 || isLetter(w[i])) || hyphen && i > 0 && w[i] == '-') {
			hint := "names begin with a letter and have letters, digits and underscores"
			if hyphen {
				hint = "names begin with a letter and have letters, digits, underscores and hyphens"
			}
			return "", at, c.fail(at, hint, "%q is no name for %s", w, what)
		}
	}
	if len(w) > 32 {
		return "", at, c.fail(at, "32 letters at most", "the name of %s is too long", what)
	}
	if reserved[w] {
		return "", at, c.fail(at, "", "%q is a word of the language and no name for %s", w, what)
	}
	return w, at, nil
}

// isUser reports a user by name, or one of the crowd.
func (s *scope) isUser(name string) bool {
	_, declared := s.users[name]
	return declared || s.inCrowd(name)
}

func (s *scope) inCrowd(name string) bool {
	digits, ok := strings.CutPrefix(name, "user")
	if !ok || digits == "" || digits[0] == '0' {
		return false
	}
	n, err := strconv.Atoi(digits)
	return err == nil && n >= 1 && n <= s.crowd
}

func (s *scope) userHint(name string) string {
	if hint := didYouMean(name, s.userList); hint != "" {
		return hint
	}
	switch {
	case len(s.userList) > 0:
		return "users: " + brief(s.userList)
	case s.crowd > 0:
		return "users: user1 to " + generatedUser(s.crowd-1)
	}
	return "declare one: user " + name
}

func (s *scope) nodeHint(name string, others ...string) string {
	all := append(slices.Clone(s.nodeList), others...)
	if len(nearestOf(name, all)) == 1 {
		return didYouMean(name, all)
	}
	if len(s.nodeList) == 0 {
		return "declare nodes first: nodes 2"
	}
	return "nodes: " + brief(s.nodeList)
}

// joinedHint is for a word that is no node: it may be several that were joined.
func (s *scope) joinedHint(word string) string {
	i := strings.IndexAny(word, ",;")
	switch {
	case i < 0 || !s.nodes[word[:i]]:
		return s.nodeHint(word)
	case word[i] == ',':
		return "names are separated by blanks: " + strings.ReplaceAll(word, ",", " ")
	case i == len(word)-1:
		return "a line has no semicolon at its end"
	}
	return "a blank stands behind the semicolon: " + word[:i+1] + " " + word[i+1:]
}

// brief lists at most eight names.
func brief(names []string) string {
	if len(names) > 8 {
		return strings.Join(names[:7], ", ") + ", ... " + names[len(names)-1]
	}
	return strings.Join(names, ", ")
}

// node reads the name of a declared node.
func (c *cursor) node(s *scope, after string) (string, error) {
	w, at := c.word()
	if w == "" {
		return "", c.fail(at, "", "a node is missing after %s", after)
	}
	if !s.nodes[w] {
		return "", c.fail(at, s.joinedHint(w), "unknown node %q", w)
	}
	return w, nil
}

// machine reads a node or the proxy, and a user too where users may stand.
func (c *cursor) machine(s *scope, after string, users bool) (string, error) {
	w, at := c.word()
	switch {
	case w == "":
		return "", c.fail(at, "", "a name is missing after %s", after)
	case w == "proxy", s.nodes[w], users && s.isUser(w):
		return w, nil
	}
	others := []string{"proxy"}
	if users {
		others = append(others, s.userList...)
	}
	return "", c.fail(at, s.nodeHint(w, others...), "unknown machine %q", w)
}
