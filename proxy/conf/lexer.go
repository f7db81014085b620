package conf

import (
	"fmt"
	"strings"
)

// word is a word of a directive.
type word struct {
	text string
	Position
}

// statement is what the lexer reads at a time: the words of a directive, and
// what ended them.
type statement struct {
	words []word
	end   byte     // ';' '{' '}', or 0 at the end of the file
	at    Position // of that character
}

// name is the directive's name.
func (s statement) name() string { return s.words[0].text }

// args are the words behind the name.
func (s statement) args() []word { return s.words[1:] }

// texts are the args as strings.
func (s statement) texts() []string {
	var all []string
	for _, w := range s.args() {
		all = append(all, w.text)
	}
	return all
}

// maxWord is how long a word or comment may be, in bytes: nginx's buffer.
const maxWord = 4096

// lexer reads nginx's configuration text.
//
// Source: nginx ngx_conf_file.c, ngx_conf_read_token. Only blank, tab, CR and
// LF separate words; a "}" inside a word belongs to it.
type lexer struct {
	text []byte
	pos  int      // of the next byte
	at   Position // of the byte before; nginx's line counter
	lf   bool     // that byte was a line feed
}

func newLexer(file string, firstLine int, text []byte) *lexer {
	return &lexer{text: text, at: Position{File: file, Line: firstLine}}
}

// read takes the next byte and keeps count of lines and columns.
func (l *lexer) read() byte {
	ch := l.text[l.pos]
	l.pos++
	if l.lf {
		l.at.Column, l.lf = 0, false
	}
	if ch&0xc0 != 0x80 {
		l.at.Column++
	}
	if ch == '\n' {
		l.at.Line++
		l.at.Column, l.lf = 1, true
	}
	return ch
}

// stop is a mistake where the lexer stands.
func (l *lexer) stop(format string, args ...any) error {
	return &Error{Position: l.at, Text: fmt.Sprintf(format, args...)}
}

func separates(ch byte) bool { return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n' }

// next reads up to the end of a directive.
func (l *lexer) next() (s statement, err error) {
	var (
		start     = l.pos // of the word or comment
		began     Position
		between   = true // no word has begun
		comment   bool
		escaped   bool // the byte behind a backslash
		variable  bool // the byte behind a dollar sign
		quote     byte
		needSpace bool // the byte behind a closing quote
	)
	for {
		if l.pos == len(l.text) {
			if len(s.words) > 0 || !between {
				return s, l.stop(`unexpected end of file, expecting ";" or "}"`)
			}
			s.at = l.at
			return s, nil
		}
		if l.pos-start >= maxWord {
			l.at = began
			if quote != 0 {
				return s, l.stop(`too long parameter, probably missing terminating "%c" character`, quote)
			}
			return s, l.stop(`too long parameter "%s..." started`, l.text[start:start+10])
		}
		ch := l.read()
		if ch == '\n' {
			comment = false
		}
		if comment {
			continue
		}
		if escaped {
			escaped = false
			continue
		}
		if needSpace {
			switch {
			case separates(ch), ch == ')':
				between, needSpace = true, false
				if ch != ')' {
					continue
				}
			case ch == ';', ch == '{':
				s.end, s.at = ch, l.at
				return s, nil
			default:
				return s, l.stop(`unexpected "%c"`, ch)
			}
		}
		if between {
			start, began = l.pos-1, l.at
			if separates(ch) {
				continue
			}
			switch ch {
			case ';', '{':
				if len(s.words) == 0 {
					return s, l.stop(`unexpected "%c"`, ch)
				}
				s.end, s.at = ch, l.at
				return s, nil
			case '}':
				if len(s.words) != 0 {
					return s, l.stop(`unexpected "}"`)
				}
				s.end, s.at = ch, l.at
				return s, nil
			case '#':
				comment = true
				continue
			case '\\':
				escaped = true
			case '"', '\'':
				start++
				quote = ch
			case '$':
				variable = true
			}
			between = false
			continue
		}
		if ch == '{' && variable {
			continue
		}
		variable = false
		switch {
		case ch == '\\':
			escaped = true
			continue
		case ch == '$':
			variable = true
			continue
		case quote != 0:
			if ch != quote {
				continue
			}
			quote, needSpace = 0, true
		case separates(ch), ch == ';', ch == '{':
			between = true
		default:
			continue
		}
		s.words = append(s.words, word{unescape(l.text[start : l.pos-1]), began})
		if !needSpace && (ch == ';' || ch == '{') {
			s.end, s.at = ch, l.at
			return s, nil
		}
	}
}

// unescape undoes the backslashes that nginx's lexer undoes; others stay.
func unescape(raw []byte) string {
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' && i+1 < len(raw) {
			switch raw[i+1] {
			case '"', '\'', '\\':
				i++
			case 't':
				b.WriteByte('\t')
				i++
				continue
			case 'r':
				b.WriteByte('\r')
				i++
				continue
			case 'n':
				b.WriteByte('\n')
				i++
				continue
			}
		}
		b.WriteByte(raw[i])
	}
	return b.String()
}
