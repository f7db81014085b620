package conf

import (
	crossplane "github.com/nginxinc/nginx-go-crossplane"
)

// mask says where a directive may stand and with how many arguments, in the
// bits of nginx's ngx_command_t as crossplane numbers them.
type mask = uint

const (
	noArguments mask = 0x1
	take1       mask = 0x2
	take2       mask = 0x4
	take3       mask = 0x8
	take4       mask = 0x10
	aBlock      mask = 0x100
	aFlag       mask = 0x400
	anyNumber   mask = 0x800
	oneOrMore   mask = 0x1000
	twoOrMore   mask = 0x2000

	inMain           mask = 0x40000
	inEvents         mask = 0x80000
	inMail           mask = 0x100000
	inMailServer     mask = 0x200000
	inStream         mask = 0x400000
	inStreamServer   mask = 0x800000
	inStreamUpstream mask = 0x1000000
	inHTTP           mask = 0x2000000
	inServer         mask = 0x4000000
	inLocation       mask = 0x8000000
	inUpstream       mask = 0x10000000
	inServerIf       mask = 0x20000000
	inLocationIf     mask = 0x40000000
	inLimitExcept    mask = 0x80000000

	inAnyLevel = inHTTP | inServer | inLocation
)

// maxCounted is the largest argument count that has a bit of its own.
const maxCounted = 7

// known is what nginx itself knows of a directive, nothing if it does not. The
// table nearest to the release is asked; the oldest is that of 1.24.
func known(release int, name string) []mask {
	match := crossplane.MatchOssLatest
	switch {
	case release < 2500:
		match = crossplane.MatchOss124
	case release < 2700:
		match = crossplane.MatchOss126
	}
	masks, _ := match(name)
	return masks
}

// fits checks how a directive ends and how many arguments it has.
//
// Source: nginx ngx_conf_file.c, ngx_conf_handler.
func (r *reader) fits(m mask, s statement) error {
	switch {
	case m&aBlock == 0 && s.end != ';':
		return r.fail(s, s.words[0], `directive %s is not terminated by ";"`, quote(s.name()))
	case m&aBlock != 0 && s.end != '{':
		return r.fail(s, s.words[0], `directive %s has no opening "{"`, quote(s.name()))
	}
	n, ok := len(s.args()), false
	switch {
	case m&anyNumber != 0:
		ok = true
	case m&aFlag != 0:
		ok = n == 1
	case m&oneOrMore != 0:
		ok = n >= 1
	case m&twoOrMore != 0:
		ok = n >= 2
	default:
		ok = n <= maxCounted && m>>n&1 != 0
	}
	if !ok {
		return r.fail(s, s.words[0], "invalid number of arguments in %s directive", quote(s.name()))
	}
	if m&aFlag != 0 {
		if _, ok := flag(s.words[1].text); !ok {
			return r.fail(s, s.words[1], `invalid value %s in %s directive, it must be "on" or "off"`,
				quote(s.words[1].text), quote(s.name()))
		}
	}
	return nil
}

// quote puts a text between quotes as it is, as nginx does.
func quote(text string) string { return `"` + text + `"` }

// inside is the context in a block that is skipped; 0 if its lines are not
// directives.
func inside(name string, context mask) mask {
	switch {
	case name == "if" && context == inServer:
		return inServerIf
	case name == "if" && context == inLocation:
		return inLocationIf
	case name == "limit_except" && context == inLocation:
		return inLimitExcept
	case name == "stream" && context == inMain:
		return inStream
	case name == "server" && context == inStream:
		return inStreamServer
	case name == "upstream" && context == inStream:
		return inStreamUpstream
	case name == "mail" && context == inMain:
		return inMail
	case name == "server" && context == inMail:
		return inMailServer
	}
	return 0
}

// skip reads to the end of a block that is not simulated. Where its lines are
// directives they are checked as nginx would.
func (r *reader) skip(context mask) error {
	for depth := 1; depth > 0; {
		s, err := r.statement(true)
		switch {
		case err != nil:
			return err
		case s.end == '}':
			depth--
		case context != 0:
			if err := r.check(s, context); err != nil {
				return err
			}
		case s.end == '{':
			depth++
		}
	}
	return nil
}

// check looks at a directive that is skipped together with its block.
func (r *reader) check(s statement, context mask) error {
	masks := known(r.release, s.name())
	for _, m := range masks {
		if m&context == 0 {
			continue
		}
		if err := r.fits(m, s); err != nil {
			return err
		}
		if s.name() == "set" {
			r.config.Variables = append(r.config.Variables, s.words[1].text)
		}
		if s.end == '{' {
			return r.skip(inside(s.name(), context))
		}
		return nil
	}
	return r.misplaced(s, len(masks) > 0)
}

// misplaced is the error of a directive that its context does not know.
func (r *reader) misplaced(s statement, elsewhere bool) error {
	if elsewhere {
		return r.fail(s, s.words[0], "%s directive is not allowed here", quote(s.name()))
	}
	return r.fail(s, s.words[0], "unknown directive %s", quote(s.name()))
}
