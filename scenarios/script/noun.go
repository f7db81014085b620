package script

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// nounWords begin the lines that declare something.
var nounWords = []string{"title", "worlds", "tomcat", "nginx", "nodes", "node", "manager", "cluster", "membership",
	"sender", "receiver", "interceptor", "valve", "app", "network", "proxy", "server", "users", "user", "vary", "sweep"}

const (
	maxNodes = 1000
	maxUsers = 10_000
	maxNamed = 1000 // users by name
)

// declares reports the nouns that later lines refer to; they are read first.
func declares(word string) bool { return word == "nodes" || word == "users" || word == "user" }

// nounKey says which noun line another one replaces: the one of the same word,
// or of the same word and name. Interceptors, like valves, are one list.
func nounKey(c cursor) string {
	word, _ := c.word()
	switch word {
	case "node", "server", "user":
		name, _ := c.word()
		return word + " " + name
	}
	return word
}

// repeats reports the nouns of which each line adds one more.
func repeats(word string) bool { return word == "interceptor" || word == "valve" }

// noun reads one declaring line.
func (c cursor) noun(s *scope) (Noun, error) {
	n := Noun{Pos: c.pos()}
	word, at := c.word()
	n.Word = word
	if word != "proxy" && word != "title" {
		if from, _ := variableAt(c.text[:c.end], c.at); from >= 0 {
			return n, c.unknownVariable(s, from)
		}
	}
	var err error
	switch word {
	case "title":
		n.Text, err = c.title()
		return n, err
	case "worlds":
		n.Names, err = c.worlds()
		return n, err
	case "tomcat", "nginx":
		n.Text, n.Version, err = c.version(word)
		return n, err
	case "nodes":
		n.Names, err = c.nodeNames(s)
	case "node":
		n.Name, err = c.node(s, word)
	case "server":
		n.Name, n.Flags, err = c.server(s)
	case "users":
		n.N, err = c.crowd(s)
	case "user":
		n.Name, n.Text, err = c.user(s)
	case "proxy":
		n.Class, n.Args, err = c.method(s)
	case "manager", "cluster", "membership", "sender", "receiver", "interceptor", "valve", "app", "network":
		n.Class, err = c.class(word)
	case "vary", "sweep":
		return n, c.fail(at, "", "%s cannot stand within a cell", word)
	default:
		hint := didYouMean(word, nounWords)
		if slices.Contains(scriptWords, word) {
			hint = "a cell has nouns only"
		}
		return n, c.fail(at, hint, "unknown noun %q", word)
	}
	if err != nil {
		return n, err
	}
	n.Options, err = c.options(elementOf(word, n.Class))
	return n, err
}

func (c cursor) unknownVariable(s *scope, at int) error {
	_, end := variableAt(c.text, at)
	var names []string
	for _, v := range s.variables {
		names = append(names, v.Name)
	}
	hint := "declare it: sweep " + c.text[at+1:end] + " = 0s..10s step 1s"
	if near := Nearest(c.text[at+1:end], names); near != "" {
		hint = `did you mean "$` + near + `"?`
	}
	return c.fail(at, hint, "unknown %s", c.text[at:end])
}

// title is the rest of the line, with or without quotes.
func (c *cursor) title() (string, error) {
	if c.done() {
		return "", c.fail(c.at, "", "the text of the title is missing")
	}
	if c.text[c.at] == '"' {
		t, err := c.quoted()
		if err != nil {
			return "", err
		}
		return t, c.finished("the title")
	}
	return strings.TrimRight(c.text[c.at:c.end], " \t"), nil
}

func (c *cursor) worlds() ([]string, error) {
	known := []string{"sim", "loopback"}
	var names []string
	for !c.done() {
		w, at := c.word()
		if !slices.Contains(known, w) {
			return nil, c.fail(at, wordHint(w, known), "unknown world %q", w)
		}
		if slices.Contains(names, w) {
			return nil, c.fail(at, "", "world %q is given twice", w)
		}
		names = append(names, w)
	}
	if names == nil {
		return nil, c.fail(c.at, "sim, loopback or both", "a world is missing")
	}
	return names, nil
}

// series are the release series whose defaults the lab knows.
var series = map[string][]string{
	"tomcat": {"7.0", "8.5", "9.0", "10.1"},
	"nginx":  {"1.22", "1.23", "1.24", "1.25", "1.26", "1.27", "1.28", "1.29", "1.30", "1.31"},
}

// version reads a release: a series such as 10.1, or one release of it such as
// 10.1.60. The minor number 0 may be left out, as in tomcat 9.
func (c *cursor) version(product string) (string, Version, error) {
	w, at := c.word()
	hint := "known: " + strings.Join(series[product], ", ") + ", each with any patch number"
	if product == "nginx" {
		known := series[product]
		hint = fmt.Sprintf("known: %s to %s, each with any patch number", known[0], known[len(known)-1])
	}
	if w == "" {
		return "", Version{}, c.fail(at, hint, "the version of %s is missing", product)
	}
	parts := strings.Split(w, ".")
	v := Version{Patch: -1}
	into := []*int{&v.Major, &v.Minor, &v.Patch}
	if len(parts) > len(into) {
		return "", v, c.fail(at, hint, "%q is no version of %s", w, product)
	}
	for i, p := range parts {
		n, err := parseCount(p)
		if err != nil || n > 999 || len(p) > 1 && p[0] == '0' {
			return "", v, c.fail(at, hint, "%q is no version of %s", w, product)
		}
		*into[i] = int(n)
	}
	if !slices.Contains(series[product], strconv.Itoa(v.Major)+"."+strconv.Itoa(v.Minor)) {
		return "", v, c.fail(at, hint, "%s %s is not in this release", product, w)
	}
	return w, v, c.finished("the version")
}

func (c *cursor) nodeNames(s *scope) ([]string, error) {
	if w := c.peek(); w != "" && isDigit(w[0]) {
		_, at := c.word()
		n, err := parseBounded(w)
		if err != nil {
			return nil, c.fail(at, "nodes 3, or nodes and their names", "%v", err)
		}
		if n < 1 || n > maxNodes {
			return nil, c.fail(at, "each of them has tasks and connections of its own", "%s nodes: 1 to %d are possible", w, maxNodes)
		}
		names := make([]string, n)
		for i := range names {
			names[i] = generatedNode(i)
			s.addNode(names[i])
		}
		return names, nil
	}
	var names []string
	seen := map[string]bool{}
	for !c.done() && !c.isOption() {
		name, at, err := c.name("a node", true)
		if err != nil {
			return nil, err
		}
		if seen[name] {
			return nil, c.fail(at, "", "node %q is declared twice", name)
		}
		seen[name] = true
		if len(names) == maxNodes {
			return nil, c.fail(at, "", "more than %d nodes", maxNodes)
		}
		s.addNode(name)
		names = append(names, name)
	}
	if names == nil {
		return nil, c.fail(c.at, "nodes 3, or nodes and their names", "the nodes are missing")
	}
	return names, nil
}

func (s *scope) addNode(name string) {
	if !s.nodes[name] {
		s.nodes[name] = true
		s.nodeList = append(s.nodeList, name)
	}
}

func (c *cursor) server(s *scope) (name string, flags []string, err error) {
	if name, err = c.node(s, "server"); err != nil {
		return "", nil, err
	}
	known := []string{"backup", "down", "drain"}
	var found []string
	for !c.done() && !c.isOption() {
		w, at := c.word()
		if !slices.Contains(known, w) {
			return "", nil, c.fail(at, wordHint(w, append(known, "weight=2", "max_fails=1")), "unknown word %q of server", w)
		}
		if slices.Contains(found, w) {
			return "", nil, c.fail(at, "", "%q is given twice", w)
		}
		if w == "drain" && slices.Contains(found, "down") || w == "down" && slices.Contains(found, "drain") {
			return "", nil, c.fail(at, "", "a server cannot be both down and draining")
		}
		found = append(found, w)
	}
	for _, w := range known {
		if slices.Contains(found, w) {
			flags = append(flags, w)
		}
	}
	return name, flags, nil
}

func (c *cursor) crowd(s *scope) (int, error) {
	w, at := c.word()
	n, err := parseBounded(w)
	if err != nil {
		return 0, c.fail(at, "users 20; one user by name: user alice", "%v", err)
	}
	if n < 1 || n > maxUsers {
		return 0, c.fail(at, "each of them is a task with connections of its own", "%s users: 1 to %d are possible", w, maxUsers)
	}
	s.crowd = max(s.crowd, int(n))
	return int(n), nil
}

func (c *cursor) user(s *scope) (name, from string, err error) {
	pos := c.pos()
	name, at, err := c.name("a user", false)
	if err != nil {
		return "", "", err
	}
	if len(s.userList) == maxNamed {
		return "", "", c.fail(at, "users 2000", "more than %d users by name", maxNamed)
	}
	if _, known := s.users[name]; !known {
		s.users[name] = pos
		s.userList = append(s.userList, name)
	}
	if c.accept("from") {
		var at int
		from, at = c.word()
		home, err := parseHome(from)
		if err != nil {
			return "", "", c.fail(at, "", "%v", err)
		}
		from = home.String()
	}
	return name, from, nil
}

// class reads the class of a noun that has several; where it is left out the
// first in the table counts, but for lists, which must say.
func (c *cursor) class(noun string) (string, error) {
	known := classesOf(noun)
	if len(known) == 0 {
		return "", nil
	}
	if c.done() || c.isOption() {
		if repeats(noun) || noun == "manager" {
			return "", c.fail(c.at, "known: "+strings.Join(known, ", "), "the class of the %s is missing", noun)
		}
		return known[0], nil
	}
	w, at := c.word()
	if slices.Contains(known, w) {
		return w, nil
	}
	if slices.Contains(laterClasses[noun], w) {
		return "", c.fail(at, "in this release: "+strings.Join(known, ", "), "%s %q is not in this release", noun, w)
	}
	hint := didYouMean(w, known)
	if short := w[strings.LastIndexByte(w, '.')+1:]; hint == "" && slices.Contains(known, short) {
		hint = "write " + short + ", without the package"
	}
	if hint == "" {
		hint = "known: " + strings.Join(known, ", ")
	}
	return "", c.fail(at, hint, "unknown %s %q", noun, w)
}

// method reads nginx's way of choosing a server.
func (c *cursor) method(s *scope) (class string, args []string, err error) {
	if c.done() || c.isOption() {
		return "round_robin", nil, nil
	}
	if class, err = c.class("proxy"); err != nil {
		return "", nil, err
	}
	switch class {
	case "hash":
		c.space()
		at := c.at
		key, err := c.hashKey(s)
		if err != nil {
			return "", nil, err
		}
		if key == "" {
			return "", nil, c.fail(at, "proxy hash $remote_addr consistent", "the key of hash is missing")
		}
		args = append(args, key)
		if c.accept("consistent") {
			args = append(args, "consistent")
		}
	case "random":
		if c.accept("two") {
			args = append(args, "two")
			if c.accept("least_conn") {
				args = append(args, "least_conn")
			}
		}
	}
	return class, args, nil
}

// hashVariables are the nginx variables that a hash key may have; those that
// end in _ go on with a name.
var hashVariables = []string{"$remote_addr", "$binary_remote_addr", "$request_uri", "$uri", "$args", "$query_string",
	"$host", "$request_method", "$cookie_", "$arg_", "$http_"}

func (c *cursor) hashKey(s *scope) (key string, err error) {
	c.space()
	start := c.at
	if c.isOption() {
		return "", nil
	}
	if c.at < c.end && c.text[c.at] == '"' {
		key, err = c.quoted()
	} else {
		key, _ = c.word()
	}
	if err != nil {
		return "", err
	}
	for from, end := variableAt(key, 0); from >= 0; from, end = variableAt(key, end) {
		name := key[from:end]
		known := slices.ContainsFunc(hashVariables, func(v string) bool {
			return name == v && v[len(v)-1] != '_' || v[len(v)-1] == '_' && len(name) > len(v) && strings.HasPrefix(name, v)
		})
		if !known {
			hint := wordHint(name, hashVariables)
			if slices.Contains(hashVariables, name) {
				hint = "write the name of a header, cookie or argument behind it, such as $cookie_JSESSIONID"
			}
			return "", c.fail(start, hint, "unknown variable %s", name)
		}
	}
	return key, nil
}
