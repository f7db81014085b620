package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"sessionlab/scenarios"
	"sessionlab/scenarios/report"
	"sessionlab/scenarios/script"
)

// setHint says how --set is used.
const setHint = "write NOUN.OPTION=VALUE (cluster.channelSendOptions=6), NOUN=WORDS (users=3, manager=DeltaManager, end=50s), or one value of a vary or sweep; an empty value takes it away"

// maxFile is how large a scenario file may be.
const maxFile = 1 << 20

// isFile reports whether a name is meant as a file's: it has a folder or an
// ending, or there is such a file or folder and no such scenario.
func (env *Env) isFile(name string) bool {
	if strings.ContainsAny(name, `/\.`) {
		return true
	}
	if _, ok := scenarios.Source(name); ok {
		return false
	}
	_, err := os.Stat(name)
	return err == nil
}

// stdin is the name of a scenario that comes from standard input.
const stdin = "-"

// read gets a scenario's text by name, from a file or from standard input.
func (env *Env) read(name string) (label string, text []byte, err error) {
	if name == stdin {
		text, err = io.ReadAll(io.LimitReader(env.Stdin, maxFile+1))
		switch {
		case err != nil:
			return "", nil, misuse("", "standard input: %v", err)
		case len(text) > maxFile:
			return "", nil, misuse("is it a scenario at all?", "standard input: a scenario has at most 1 MiB")
		}
		return "stdin", text, nil
	}
	if !env.isFile(name) {
		text, ok := scenarios.Source(name)
		if !ok {
			hint := `"sessionlab list" shows all of them`
			if near := script.Nearest(name, scenarios.Names()); near != "" {
				hint = fmt.Sprintf("did you mean %q? %s", near, hint)
			}
			return "", nil, misuse(hint, "unknown scenario %q", name)
		}
		return name + ".txt", text, nil
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil, misuse(`scenarios of the library are named without an ending; "sessionlab list" shows them`, "there is no file %s", name)
	case err != nil:
		return "", nil, misuse("", "%v", err)
	case info.IsDir():
		return "", nil, misuse("name a scenario file in it", "%s is a directory", name)
	case !info.Mode().IsRegular():
		return "", nil, misuse("save it to a file first", "%s is no regular file", name)
	case info.Size() > maxFile:
		return "", nil, misuse("is it a scenario at all?", "%s has %d MiB: a scenario has at most 1 MiB", name, info.Size()>>20)
	}
	text, err = os.ReadFile(name)
	if err != nil {
		return "", nil, misuse("", "%v", err)
	}
	return name, text, nil
}

// load reads and checks a scenario, and applies --set to it.
func (env *Env) load(name string, sets []string) (job, error) {
	label, text, err := env.read(name)
	if err != nil {
		return job{}, err
	}
	sc, err := script.Parse(label, text)
	if err != nil {
		return job{}, &exit{status: exitMisuse, err: err}
	}
	var pins, options []script.Assignment
	for _, set := range sets {
		key, value, ok := strings.Cut(set, "=")
		if !ok || key == "" {
			return job{}, misuse(setHint, "--set %s: this is no NAME=VALUE", set)
		}
		if variable := strings.TrimPrefix(key, "$"); slices.ContainsFunc(sc.Variables, func(v script.Variable) bool { return v.Name == variable }) {
			pins = append(pins, script.Assignment{Name: variable, Value: value})
			continue
		}
		options = append(options, script.Assignment{Name: key, Value: value})
	}
	if len(options) > 0 {
		if sc, err = sc.Set(options...); err != nil {
			return job{}, misuse(setHint, "%w", err)
		}
	}
	j := job{name: name, sets: sets, scenario: sc, cells: sc.Cells()}
	for _, p := range pins {
		if err := j.pin(p); err != nil {
			return job{}, err
		}
	}
	for _, cell := range j.cells {
		if err := scenarios.Check(cell.Scenario); err != nil {
			return job{}, misuse("", "%s: %w", label, err)
		}
	}
	return j, nil
}

// note tells on standard error what one should know about a scenario.
func (env *Env) note(j job, quiet bool) {
	if quiet {
		return
	}
	for _, note := range scenarios.Notes(j.scenario) {
		fmt.Fprintf(env.Stderr, "sessionlab: note: %s\n", report.Visible(note))
	}
}

// pin keeps only the cells in which a variable has a value.
func (j *job) pin(p script.Assignment) error {
	var left []script.Cell
	var known []string
	for _, cell := range j.cells {
		for _, s := range cell.Settings {
			if s.Name != p.Name {
				continue
			}
			if !slices.Contains(known, s.Value) {
				known = append(known, s.Value)
			}
			if s.Value == p.Value {
				left = append(left, cell)
			}
		}
	}
	if len(left) == 0 {
		return misuse("it has "+strings.Join(known, ", "),
			"--set %s=%s: %s of %s has no value %q", p.Name, p.Value, p.Name, j.name, p.Value)
	}
	j.cells = left
	return nil
}
