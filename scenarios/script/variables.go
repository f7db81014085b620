package script

import (
	"fmt"
	"slices"
)

// readVariables reads the names and labels of vary and sweep lines. If any of
// them is wrong, none is kept.
func (p *parser) readVariables() {
	errs := len(p.errs)
	var variables []Variable
	cells := 1
	lines := map[string]int{}
	for _, c := range p.varying {
		if p.full() {
			return
		}
		v, err := c.variable()
		if err != nil {
			p.add(err)
			continue
		}
		if first, twice := lines[v.Name]; twice {
			p.add(c.fail(c.at, fmt.Sprintf("the first is on line %d", first), "$%s is declared twice", v.Name))
			continue
		}
		lines[v.Name] = c.line.number
		variables = append(variables, v)
		if cells *= len(v.Values); cells > maxCells {
			p.add(c.fail(c.at, "take fewer values, or larger steps", "%d cells: at most %d are possible", cells, maxCells))
			break
		}
		if cells > 1 && cells*p.size > maxWork {
			p.add(c.fail(c.at, "", "%d cells are too many for a scenario of %d bytes", cells, p.size))
			break
		}
	}
	if len(p.errs) == errs {
		p.variables = variables
		p.usedVariables()
		p.replacedTwice()
	}
}

// usedVariables refuses a variable that changes nothing.
func (p *parser) usedVariables() {
	used := map[string]bool{}
	for _, c := range slices.Concat(p.nouns, p.varying, p.script, p.final, []cursor{p.end}) {
		if c.line != nil {
			for _, name := range c.variables() {
				used[name] = true
			}
		}
	}
	for i, v := range p.variables {
		c := p.varying[i]
		plain := true
		for j := range v.Values {
			if !v.Sweep {
				nouns, err := c.cellNouns(j)
				if err != nil {
					p.add(err)
				}
				plain = plain && len(nouns) == 0 && err == nil
			}
		}
		if plain && !used[v.Name] {
			p.add(c.fail(c.at, "write $"+v.Name+" where its value is meant", "nothing uses $%s", v.Name))
		}
	}
}

// replacedTwice refuses two variables that replace the same noun.
func (p *parser) replacedTwice() {
	owner := map[string]string{}
	for i, v := range p.variables {
		for j := range v.Values {
			if v.Sweep {
				break
			}
			nouns, _ := p.varying[i].cellNouns(j)
			for _, n := range nouns {
				key := nounKey(n)
				if other, ok := owner[key]; ok && other != v.Name {
					p.add(n.fail(n.at, "", "%s and %s both set %s", other, v.Name, key))
				}
				owner[key] = v.Name
			}
		}
	}
}
