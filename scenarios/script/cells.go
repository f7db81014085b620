package script

import (
	"strings"
)

// cells reads every cell of a file, so that each is checked as what it is.
func (p *parser) cells(s *Scenario) {
	index := make([]int, len(p.variables))
	for more := true; more && len(p.errs) < maxErrors; more = next(index, p.variables) {
		settings := make([]Assignment, len(index))
		label := make([]string, len(index))
		for i, v := range p.variables {
			settings[i] = Assignment{v.Name, v.Values[index[i]].Label}
			label[i] = settings[i].Name + "=" + settings[i].Value
		}
		c := Cell{Label: strings.Join(label, " "), Settings: settings}
		before := len(p.errs)
		c.Scenario = p.cell(index, settings)
		for _, e := range p.errs[before:] {
			e.Msg += " (where " + c.Label + ")"
		}
		s.cells = append(s.cells, c)
	}
}

// next counts on, the last variable fastest.
func next(index []int, variables []Variable) bool {
	for i := len(index) - 1; i >= 0; i-- {
		if index[i]++; index[i] < len(variables[i].Values) {
			return true
		}
		index[i] = 0
	}
	return false
}

// cell reads the scenario of one cell.
func (p *parser) cell(index []int, settings []Assignment) *Scenario {
	sc := newScope()
	sc.cell, sc.variables = true, p.variables
	for _, a := range settings {
		sc.values[a.Name] = a.Value
	}
	nouns := p.nouns
	for i, v := range p.variables {
		if v.Sweep {
			continue
		}
		replacing, _ := p.varying[i].expand(sc.values).cellNouns(index[i])
		nouns = replace(nouns, replacing)
	}
	s := &Scenario{Name: p.name, Attachments: p.attached}
	s.Nouns = p.readNouns(nouns, sc)
	p.lines(s, sc)
	p.check(s)
	return s
}

// replace puts noun lines in the place of those of their kind, or at the end.
func replace(nouns, by []cursor) []cursor {
	groups := map[string][]cursor{}
	for _, n := range by {
		groups[nounKey(n)] = append(groups[nounKey(n)], n)
	}
	var out []cursor
	placed := map[string]bool{}
	place := func(key string) {
		if !placed[key] {
			out = append(out, groups[key]...)
			placed[key] = true
		}
	}
	for _, n := range nouns {
		if key := nounKey(n); groups[key] != nil {
			place(key)
		} else {
			out = append(out, n)
		}
	}
	for _, n := range by {
		place(nounKey(n))
	}
	return out
}

// applying is an act without expectations that are for other cells; nil if
// nothing is left of it.
func applying(a Act, sc *scope) Act {
	switch a := a.(type) {
	case Expect:
		if !a.appliesTo(sc.variables, sc.values) {
			return nil
		}
		a.Labels = nil
		return a
	case Together:
		var left []Act
		for _, one := range a.Acts {
			if one = applying(one, sc); one != nil {
				left = append(left, one)
			}
		}
		switch len(left) {
		case 0:
			return nil
		case 1:
			return left[0]
		}
		return Together{Acts: left}
	}
	return a
}
