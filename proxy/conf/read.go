package conf

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"sessionlab/proxy"
)

// Options are what a text is read against. The zero value reads for the
// default release, and knows no host names.
type Options struct {
	// Release is the nginx release, as in proxy.Config.
	Release string
	// Resolve gives the addresses of a host name in a server line, such as a
	// node of the lab, without port. Nil or no address: "host not found in
	// upstream". The configuration keeps it.
	Resolve func(name string) []string
	// LineOffset is how many lines of the file stand before the text, if it is
	// part of another one. It is added to every line that is reported.
	LineOffset int
}

// Read reads the text of an nginx.conf. The name is used in messages only; no
// file is opened. Like nginx it stops at the first mistake, which it returns as
// an *Error together with the diagnostics so far. The configuration may still
// be refused by proxy.New for an unknown variable.
func Read(name string, text []byte, o Options) (proxy.Config, []Diagnostic, error) {
	release, err := parseRelease(o.Release)
	if err != nil {
		return proxy.Config{}, nil, err
	}
	r := &reader{
		lexer:   newLexer(name, 1+o.LineOffset, text),
		release: release,
		resolve: o.Resolve,
		rows:    map[string][]directive{},
		sized:   map[string]bool{},
		places:  map[string]Position{},
		config:  proxy.Config{Release: o.Release, Resolve: o.Resolve},
	}
	for _, d := range directives() {
		if d.name != "sticky" || release >= stickySince {
			r.rows[d.name] = append(r.rows[d.name], d)
		}
	}
	err = r.file()
	if err != nil {
		return proxy.Config{}, r.found, err
	}
	return r.config, r.found, nil
}

// parseRelease turns "1.22.1" into 2201. Without a patch it is the last one.
func parseRelease(text string) (int, error) {
	if text == "" {
		text = proxy.DefaultRelease
	}
	major, rest, _ := strings.Cut(text, ".")
	minor, patch, exact := strings.Cut(rest, ".")
	if !exact {
		patch = "99"
	}
	m, ok1 := number(minor)
	p, ok2 := number(patch)
	if major != "1" || !ok1 || !ok2 || m > 99 || p > 99 {
		return 0, fmt.Errorf("unknown nginx release %q", text)
	}
	return m*100 + p, nil
}

// reader executes directives as they are read.
type reader struct {
	*lexer
	release int // minor*100 + patch
	resolve func(string) []string
	rows    map[string][]directive
	config  proxy.Config
	found   []Diagnostic

	// Where the reader is.
	seen     map[string]bool // directives of this block
	settings *proxy.Settings
	server   *virtualServer
	location *proxy.Location
	group    *group

	targets []*target
	listens []listen
	zones   []string            // names of the groups' shared memory
	sized   map[string]bool     // those that have a size
	places  map[string]Position // of servers and locations, by Pos
	events  bool                // the section is there
	unread  []word              // server names that are not simulated
}

// statement reads the next directive of a block, or of the file.
func (r *reader) statement(inBlock bool) (statement, error) {
	s, err := r.next()
	switch {
	case err != nil:
		return s, err
	case s.end == '}' && !inBlock:
		return s, r.stop(`unexpected "}"`)
	case s.end == 0 && inBlock:
		return s, r.stop(`unexpected end of file, expecting "}"`)
	}
	return s, nil
}

// fail is a mistake in a word of a directive.
func (r *reader) fail(s statement, w word, format string, args ...any) error {
	at := s.at
	if w.Line == at.Line {
		at.Column = w.Column
	}
	return &Error{at, fmt.Sprintf(format, args...), hint(s, w)}
}

// note lists a diagnostic about a word.
func (r *reader) note(kind Kind, w word, format string, args ...any) {
	r.found = append(r.found, Diagnostic{w.Position, kind, fmt.Sprintf(format, args...)})
}

// misspelt refuses a word with a variable that is none.
func (r *reader) misspelt(s statement, w word) error {
	if err := proxy.CheckText(w.text); err != nil {
		return r.fail(s, w, "%s", err)
	}
	return nil
}

// place is what the configuration calls a position: "FILE:LINE".
func place(s statement) string { return fmt.Sprintf("%s:%d", s.at.File, s.at.Line) }

func (r *reader) file() error {
	r.seen = map[string]bool{}
	for {
		s, err := r.statement(false)
		if err != nil {
			return err
		}
		if s.end == 0 {
			break
		}
		if err := r.execute(s, inMain); err != nil {
			return err
		}
	}
	if !r.events {
		return &Error{Text: `no "events" section in configuration`}
	}
	return r.checkZones()
}

// block executes the directives of a block.
func (r *reader) block(context mask) error {
	outer := r.seen
	r.seen = map[string]bool{}
	defer func() { r.seen = outer }()
	for {
		s, err := r.statement(true)
		if err != nil || s.end == '}' {
			return err
		}
		if err := r.execute(s, context); err != nil {
			return err
		}
	}
}

// execute finds what a directive does in its context, and does it.
func (r *reader) execute(s statement, context mask) error {
	rows := r.rows[s.name()]
	for i := range rows {
		if rows[i].mask&context == 0 {
			continue
		}
		if err := r.fits(rows[i].mask, s); err != nil {
			return err
		}
		return r.apply(&rows[i], s)
	}
	masks := known(r.release, s.name())
	for _, m := range masks {
		if m&context == 0 {
			continue
		}
		if err := r.fits(m, s); err != nil {
			return err
		}
		r.skipLine(s)
		if s.end == '{' {
			return r.skip(inside(s.name(), context))
		}
		return nil
	}
	return r.misplaced(s, len(rows)+len(masks) > 0)
}

func (r *reader) apply(d *directive, s statement) error {
	if d.once && r.seen[d.name] {
		return r.fail(s, s.words[0], "%s directive is duplicate", quote(d.name))
	}
	r.seen[d.name] = true
	if d.apply != nil {
		return d.apply(r, s)
	}
	if why := ineffective(d.name, s); why != "" {
		return r.reject(s, why)
	}
	r.note(NoEffect, s.words[0], "%s: %s", quote(d.name), d.effect)
	if s.end == '{' {
		return r.skip(0)
	}
	return nil
}

// reject is nginx's refusal of a directive's value, such as "invalid value".
func (r *reader) reject(s statement, why string) error {
	return r.fail(s, s.words[len(s.words)-1], "%s directive %s", quote(s.name()), why)
}

func (r *reader) eventsBlock(statement) error {
	r.events = true
	return r.block(inEvents)
}

func (r *reader) http(statement) error {
	r.settings = &r.config.Settings
	if err := r.block(inHTTP); err != nil {
		return err
	}
	if err := r.checkTargets(); err != nil {
		return err
	}
	if err := r.checkLocations(); err != nil {
		return err
	}
	if err := r.checkNames(); err != nil {
		return err
	}
	r.checkUnread()
	return nil
}

// include accepts mime.types alone: no file is read.
func (r *reader) include(s statement) error {
	file := s.words[1]
	if path.Base(file.text) != "mime.types" {
		return r.fail(s, file, "include of %s: only mime.types can be included here, "+
			"put the text itself in its place", quote(file.text))
	}
	if r.settings != nil {
		r.settings.MimeTypes = proxy.On
	}
	r.note(NoEffect, s.words[0], `"include" of mime.types: the usual types are built in`)
	return nil
}

func (r *reader) workerProcesses(s statement) error {
	value := s.words[1]
	n, ok := number(value.text)
	if !ok && value.text != "auto" {
		return r.reject(s, "invalid value")
	}
	if n != 1 {
		r.note(NoEffect, value, "one worker process is simulated; with several and without "+
			`"zone" each would have its own rotation and failure counts`)
	}
	return nil
}

// workerConnections accepts a number that makes no difference.
func (r *reader) workerConnections(s statement) error {
	if _, ok := number(s.words[1].text); !ok {
		return r.fail(s, s.words[1], "invalid number %s", quote(s.words[1].text))
	}
	r.note(NoEffect, s.words[0], "%s: no limit is simulated", quote(s.name()))
	return nil
}

// logLevels are the words that may stand behind the file of error_log.
//
// Source: nginx ngx_log.c, err_levels and debug_levels.
var logLevels = []string{"emerg", "alert", "crit", "error", "warn", "notice", "info", "debug",
	"debug_core", "debug_alloc", "debug_mutex", "debug_event", "debug_http", "debug_mail", "debug_stream"}

// errorLog reads error_log, which has no effect.
func (r *reader) errorLog(s statement) error {
	for _, w := range s.words[2:] {
		if !slices.Contains(logLevels, w.text) {
			return r.fail(s, w, "invalid log level %s", quote(w.text))
		}
	}
	r.note(NoEffect, s.words[0], `"error_log": no effect: the run's record has the events`)
	return nil
}
