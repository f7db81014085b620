package script

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/tools/txtar"
)

// Limits of a file. They keep a mistaken one from taking long to refuse.
const (
	maxSource = 1 << 20  // bytes of a file
	maxLine   = 4096     // bytes of a line of the scenario
	maxWork   = 16 << 20 // cells times bytes of the scenario without attachments
)

// Parse reads a scenario file. The name is used in errors only. An error is of
// type Errors and holds up to ten of what is wrong with the file.
func Parse(name string, src []byte) (*Scenario, error) {
	p := &parser{name: name, byNumber: map[int]*line{}}
	if err := p.checkText(src); err != nil {
		return nil, Errors{err}
	}
	p.read(src)
	s := p.scenario()
	if len(p.errs) > 0 {
		return nil, p.errs.sorted()
	}
	return s, nil
}

// parser reads one file.
type parser struct {
	name string
	errs Errors

	nouns     []cursor
	varying   []cursor // vary and sweep lines
	variables []Variable
	script    []cursor
	begun     *line  // the first line that is surely the script's
	end       cursor // the end line
	ended     bool
	final     []cursor
	byNumber  map[int]*line
	last      *line // the last line of the scenario
	size      int   // its bytes, without attachments
	attached  []Attachment
}

// full reports errors enough: nobody reads more, and each takes time.
func (p *parser) full() bool { return len(p.errs) >= 5*maxErrors }

func (p *parser) add(err error) {
	if e := asError(err); e != nil {
		p.errs = append(p.errs, e)
	}
}

// checkText refuses what is no text at all.
func (p *parser) checkText(src []byte) *Error {
	fail := func(msg, hint string) *Error {
		return &Error{File: p.name, Pos: Pos{1, 1}, Msg: msg, Hint: hint}
	}
	switch {
	case len(bytes.TrimSpace(src)) == 0:
		return fail("nothing is written here", "")
	case len(src) > maxSource:
		return fail(fmt.Sprintf("%d bytes are too many for a scenario: at most %d", len(src), maxSource), "")
	case bytes.IndexByte(src, 0) >= 0:
		return fail("this is not text: it has NUL bytes", "save it as UTF-8")
	case !utf8.Valid(src):
		return fail("this is not UTF-8 text", "save it as UTF-8")
	}
	return nil
}

// checkLine refuses characters that cannot be seen, and very long lines.
func (p *parser) checkLine(l *line) error {
	c := cursor{line: l, text: l.text, end: len(l.text)}
	if len(l.text) > maxLine {
		return c.fail(maxLine, "", "the line is longer than %d bytes", maxLine)
	}
	at, r := invisible(l.text, commentStart(l.text))
	if at < 0 {
		return nil
	}
	hint := ""
	if r == '\u00a0' {
		hint = "text from web pages has them: type a blank"
	}
	return c.fail(at, hint, "invisible character U+%04X", r)
}

// read splits a file into noun lines, script, end, final expectations and
// attachments.
func (p *parser) read(src []byte) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
	archive := txtar.Parse(src)
	p.size = len(archive.Comment)
	number := 0
	for text := range strings.Lines(string(archive.Comment)) {
		if number++; p.full() {
			break
		}
		p.line(&line{file: p.name, number: number, text: strings.TrimSuffix(text, "\n")})
	}
	if p.last == nil {
		p.last = &line{file: p.name, number: max(1, number)}
	}
	p.attachments(archive, number)
}

// line puts one line where it belongs.
func (p *parser) line(l *line) {
	c := newCursor(l)
	if err := p.checkLine(l); err != nil {
		p.add(err)
		return
	}
	if c.done() {
		return
	}
	p.last = l
	p.byNumber[l.number] = l
	word := c.peek()
	if strings.HasPrefix(l.text, "--") {
		p.add(c.fail(0, "an attachment begins with -- nginx.conf --", "this is no line of a scenario"))
		return
	}
	if word == "title" {
		c.end = titleEnd(c)
	}
	noun := slices.Contains(nounWords, word)
	switch {
	case noun && p.ended:
		p.add(c.fail(c.at, "after the end stand expectations only", "%s after the end", word))
	case noun && p.begun != nil:
		p.add(c.fail(c.at, fmt.Sprintf("put it before line %d", p.begun.number), "nouns come before the script"))
	case word == "vary" || word == "sweep":
		p.varying = append(p.varying, c)
	case noun:
		p.nouns = append(p.nouns, c)
	case word == "end" && p.ended:
		p.add(c.fail(c.at, fmt.Sprintf("the first is on line %d", p.end.line.number), "end is given twice"))
	case word == "end":
		p.end, p.ended = c, true
	case p.ended && word != "expect":
		p.add(c.fail(c.at, "after the end stand expectations only", "%q after the end", word))
	case p.ended:
		p.final = append(p.final, c)
	default:
		p.script = append(p.script, c)
		if p.begun == nil && beginsScript(c) {
			p.begun = l
		}
	}
}

// beginsScript reports whether a line is surely one of the script. One whose
// first word means nothing may be a noun with a typing mistake.
func beginsScript(c cursor) bool {
	first, _ := c.word()
	return slices.Contains(scriptWords, first) || slices.Contains(Methods, c.peek())
}

// titleEnd finds the comment of a title. Quotes in the middle of one are
// ordinary characters.
func titleEnd(c cursor) int {
	c.word()
	c.space()
	if c.at < len(c.text) && c.text[c.at] == '"' {
		return c.end
	}
	for i := c.at; i < len(c.text); i++ {
		if c.text[i] == '#' && isSpace(c.text[i-1]) {
			return i
		}
	}
	return len(c.text)
}

// attachments checks the names of attached files. number is the line before
// the first marker.
func (p *parser) attachments(archive *txtar.Archive, number int) {
	seen := map[string]bool{}
	for _, f := range archive.Files {
		number++
		l := &line{file: p.name, number: number, text: "-- " + f.Name + " --"}
		c := cursor{line: l, text: l.text, at: len("-- "), end: len(l.text)}
		switch {
		case seen[f.Name]:
			p.add(c.fail(c.at, "", "%s is attached twice", f.Name))
		case f.Name != "nginx.conf":
			p.add(c.fail(c.at, "known: nginx.conf", "nothing reads the attachment %q", f.Name))
		case len(bytes.TrimSpace(f.Data)) == 0:
			p.add(c.fail(c.at, "", "the attachment %s is empty", f.Name))
		}
		seen[f.Name] = true
		p.attached = append(p.attached, Attachment{Name: f.Name, Pos: Pos{number + 1, 1}, Data: f.Data})
		number += bytes.Count(f.Data, []byte("\n"))
	}
}

// scenario reads everything, first as the file stands and then cell by cell.
func (p *parser) scenario() *Scenario {
	p.readVariables()
	if !p.ended {
		c := cursor{line: p.last, text: p.last.text}
		p.add(c.fail(len(p.last.text), "such as: end 20s", "the end line is missing"))
	}
	if len(p.errs) > 0 && p.variables == nil && len(p.varying) > 0 {
		return nil
	}
	values := map[string]string{}
	for _, v := range p.variables {
		values[v.Name] = v.Values[0].Label
	}
	s := p.file(values)
	if len(p.errs) > 0 {
		return nil
	}
	if len(p.variables) == 0 {
		p.check(s)
		return s
	}
	p.cells(s)
	return s
}

// file reads the file as it stands, with the first value of each variable and
// the names of all cells.
func (p *parser) file(values map[string]string) *Scenario {
	sc := newScope()
	sc.variables = p.variables
	sc.values = values
	s := &Scenario{Name: p.name, Attachments: p.attached}

	cellNouns := make([][][]cursor, len(p.variables)) // variable, value, noun
	all := slices.Clone(p.nouns)
	for i, v := range p.variables {
		cellNouns[i] = make([][]cursor, len(v.Values))
		for j := range v.Values {
			if !v.Sweep {
				cellNouns[i][j], _ = p.varying[i].expand(values).cellNouns(j)
				all = append(all, cellNouns[i][j]...)
			}
		}
	}
	read := p.readNouns(all, sc)
	s.Nouns = read[:len(p.nouns)]
	p.duplicates(p.nouns, s.Nouns)
	at := len(p.nouns)
	for i, v := range p.variables {
		if slices.Contains(p.varying[i].variables(), v.Name) {
			p.add(p.varying[i].fail(p.varying[i].at, "", "$%s is used in its own declaration", v.Name))
		}
		v.Values = slices.Clone(v.Values)
		for j := range v.Values {
			if n := len(cellNouns[i][j]); n > 0 {
				v.Values[j].Nouns = read[at : at+n : at+n]
				p.duplicates(cellNouns[i][j], v.Values[j].Nouns)
				at += n
			}
		}
		if len(p.varying[i].variables()) > 0 {
			v.Template = p.varying[i].squeezed()
		}
		s.Variables = append(s.Variables, v)
	}
	p.lines(s, sc)
	return s
}

// readNouns reads noun lines, those that declare names first; the answer has
// the order of the lines.
func (p *parser) readNouns(lines []cursor, sc *scope) []Noun {
	nouns := make([]Noun, len(lines))
	for _, declaring := range []bool{true, false} {
		for i, c := range lines {
			if p.full() {
				return nouns
			}
			if declares(c.peek()) != declaring {
				continue
			}
			line := c.expand(sc.values)
			if c.peek() == "title" && !sc.cell {
				line = c // that of all cells
			}
			n, err := line.noun(sc)
			p.add(err)
			if !sc.cell && c.used(sc.values) {
				n.Template = c.squeezed()
			}
			nouns[i] = n
		}
	}
	return nouns
}

// used reports whether the rest of a line has any of the variables.
func (c cursor) used(values map[string]string) bool {
	for _, name := range c.variables() {
		if _, ok := values[name]; ok {
			return true
		}
	}
	return false
}

// failAt is an error at a place that was read before.
func (p *parser) failAt(pos Pos, hint, format string, args ...any) {
	l := p.byNumber[pos.Line]
	p.errs = append(p.errs, &Error{File: p.name, Pos: pos, Text: l.text, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

// duplicates refuses a noun that is declared twice.
func (p *parser) duplicates(lines []cursor, nouns []Noun) {
	first := map[string]int{}
	for i, c := range lines {
		key := nounKey(c)
		if repeats(key) {
			if nouns[i].Class == "" {
				continue // it is not known, and another one may be another
			}
			key += " " + nouns[i].Class
		}
		if before, twice := first[key]; twice {
			p.add(c.fail(c.at, fmt.Sprintf("the first is on line %d", before), "%s is declared twice", strings.TrimSpace(key)))
			continue
		}
		first[key] = c.line.number
	}
}

// lines reads the script, the end and what follows it. In a cell, statements
// for other cells are left out.
func (p *parser) lines(s *Scenario, sc *scope) {
	if p.ended {
		p.readEnd(s, sc)
	}
	step := 0
	read := func(lines []cursor, into *[]Statement) {
		for _, c := range lines {
			if p.full() {
				return
			}
			step++
			st, err := c.expand(sc.values).statement(sc)
			if err != nil {
				p.add(err)
				continue
			}
			st.Step = step
			if !sc.cell && c.used(sc.values) {
				st.Template = c.squeezed()
			}
			if sc.cell {
				if st.Act = applying(st.Act, sc); st.Act == nil {
					continue
				}
			}
			if n := len(st.Triggers); n > 0 && st.Triggers[0].Kind == "at" && st.Triggers[0].D >= s.End && s.End > 0 {
				p.add(c.fail(c.at, "", "%s is not before the end, %s", formatDuration(st.Triggers[0].D), formatDuration(s.End)))
			}
			*into = append(*into, st)
		}
	}
	read(p.script, &s.Script)
	sc.final = true
	read(p.final, &s.Final)
}

func (p *parser) readEnd(s *Scenario, sc *scope) {
	c := p.end.expand(sc.values)
	if from, _ := variableAt(c.text[:c.end], c.at); from >= 0 {
		p.add(c.unknownVariable(sc, from))
		return
	}
	c.word()
	c.space()
	at := c.at
	var err error
	if s.End, err = c.time("end"); err == nil {
		err = c.finished("the end")
	}
	if err == nil && s.End < time.Millisecond {
		err = c.fail(at, "", "a scenario that ends after %s does nothing", formatDuration(s.End))
	}
	p.add(err)
}
