package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"sessionlab/scenarios"
	"sessionlab/scenarios/script"
)

// maxFile is how large a scenario file may be.
const maxFile = 1 << 20

// source finds a scenario of the library.
func (env *Env) source(name string) ([]byte, bool) { return scenarios.Source(name) }

// isFile reports whether a name is meant as a file's: it has a folder or an
// ending, or there is such a file and no such scenario.
func (env *Env) isFile(name string) bool {
	if strings.ContainsAny(name, `/\.`) {
		return true
	}
	if _, ok := env.source(name); ok {
		return false
	}
	info, err := os.Stat(name)
	return err == nil && !info.IsDir()
}

// read gets a scenario's text by name or from a file.
func (env *Env) read(name string) (label string, text []byte, err error) {
	if !env.isFile(name) {
		text, ok := env.source(name)
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
		return "", nil, misuse("", "%s is no regular file", name)
	case info.Size() > maxFile:
		return "", nil, misuse("", "%s has %d MiB: a scenario has at most 1", name, info.Size()>>20)
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
		return job{}, &exit{exitMisuse, err, ""}
	}
	var pins []script.Assignment
	for _, set := range sets {
		key, value, ok := strings.Cut(set, "=")
		if !ok || key == "" {
			return job{}, misuse("write --set cluster.channelSendOptions=6, or --set gap=4s", "--set %s: a value is missing", set)
		}
		if !strings.Contains(key, ".") {
			pins = append(pins, script.Assignment{Name: strings.TrimPrefix(key, "$"), Value: value})
			continue
		}
		if sc, err = sc.Set(key, value); err != nil {
			return job{}, &exit{exitMisuse, fmt.Errorf("--set %s: %w", set, err), ""}
		}
	}
	j := job{name: name, scenario: sc, cells: sc.Cells()}
	for _, p := range pins {
		if err := j.pin(p); err != nil {
			return job{}, err
		}
	}
	for _, cell := range j.cells {
		if _, err := scenarios.PlanOf(cell.Scenario); err != nil {
			return job{}, &exit{exitMisuse, fmt.Errorf("%s: %w", label, err), ""}
		}
	}
	return j, nil
}

// pin keeps only the cells in which a variable has a value.
func (j *job) pin(p script.Assignment) error {
	var left []script.Cell
	known := map[string]bool{}
	for _, cell := range j.cells {
		for _, s := range cell.Settings {
			if s.Name != p.Name {
				continue
			}
			known[s.Value] = true
			if s.Value == p.Value {
				left = append(left, cell)
			}
		}
	}
	switch {
	case len(known) == 0:
		return misuse("options are set as NOUN.OPTION=VALUE, such as cluster.channelSendOptions=6",
			"--set %s=%s: %s has no vary or sweep named %q", p.Name, p.Value, j.name, p.Name)
	case len(left) == 0:
		return misuse("", "--set %s=%s: no such value of %s in %s", p.Name, p.Value, p.Name, j.name)
	}
	j.cells = left
	return nil
}
