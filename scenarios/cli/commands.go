package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"sessionlab/scenarios"
)

// formats are the forms in which reports and lists are printed.
var formats = []string{"text", "json"}

// format is the value of --format, checked.
func format(c *cli.Context) (string, error) {
	f := c.String("format")
	for _, known := range formats {
		if f == known {
			return f, nil
		}
	}
	return "", misuse("the formats are "+strings.Join(formats, " and "), "unknown format %q", f)
}

func (env *Env) listCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list the scenarios of the library",
		Description: `Lists the scenarios of the library, how long each takes in real time, and their
titles; in virtual time (--world sim) all are over at once. In JSON each has its
name, title, the worlds in which it gives the same verdict, and takes_ms.`,
		Flags: []cli.Flag{&cli.StringFlag{Name: "format", Value: "text", Usage: "`FORMAT` of the list: text or json", DefaultText: "text"}},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return misuse(`"sessionlab show NAME" shows one`, "list takes no names: %q", c.Args().First())
			}
			f, err := format(c)
			if err != nil {
				return err
			}
			if f == "json" {
				e := json.NewEncoder(env.Stdout)
				e.SetIndent("", "  ")
				e.SetEscapeHTML(false)
				return e.Encode(scenarios.Library())
			}
			return env.printList(scenarios.Library())
		},
	}
}

// printList writes a line for every scenario; on a terminal titles are wrapped.
func (env *Env) printList(all []scenarios.Entry) error {
	names, times := 0, 0
	for _, e := range all {
		names = max(names, len(e.Name))
		times = max(times, len(takes(e)))
	}
	width := env.width(env.Stdout)
	var b strings.Builder
	for _, e := range all {
		b.WriteString(hang(fmt.Sprintf("%-*s  %*s  ", names, e.Name, times, takes(e)), e.Title, width) + "\n")
	}
	_, err := io.WriteString(env.Stdout, b.String())
	return err
}

// takes is how long a scenario lasts: "20s", "1m8s".
func takes(e scenarios.Entry) string { return time.Duration(e.Takes).String() }

func (env *Env) showCommand() *cli.Command {
	return &cli.Command{
		Name:  "show",
		Usage: "print a scenario's text",
		Description: `Prints the text of a scenario: to learn from, or to save, change and run.

  sessionlab show kill > mine.txt
  sessionlab show kill --nginx         the nginx.conf that its proxy line stands for`,
		ArgsUsage: "NAME",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "nginx", Usage: "print the nginx.conf of its proxy", DisableDefaultText: true},
			&cli.StringSliceFlag{Name: "set", Usage: "with --nginx: `K=V` to set, as in run"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return misuse(`"sessionlab list" shows the names`, "show takes the name of one scenario")
			}
			if c.Bool("nginx") {
				return env.showNginx(c.Args().First(), c.StringSlice("set"))
			}
			if c.IsSet("set") {
				return misuse("write --nginx, too", "show prints a scenario as it is written; --set changes the nginx.conf alone")
			}
			_, text, err := env.read(c.Args().First())
			if err != nil {
				return err
			}
			_, err = env.Stdout.Write(text)
			return err
		},
	}
}

// showNginx prints the nginx.conf of a scenario, which must be the same in all its
// cells.
func (env *Env) showNginx(name string, sets []string) error {
	j, err := env.load(name, sets)
	if err != nil {
		return err
	}
	var first string
	for i, cell := range j.cells {
		text, err := scenarios.NginxText(cell.Scenario)
		switch {
		case err != nil:
			return misuse("", "%s: %w", name, err)
		case i == 0:
			first = text
		case text != first:
			return misuse("choose one with --set "+cell.Settings[0].Name+"="+cell.Settings[0].Value,
				"the cells of %s have different proxies: %s and %s", name, j.cells[0].Label, cell.Label)
		}
	}
	_, err = io.WriteString(env.Stdout, first)
	return err
}

func (env *Env) versionCommand() *cli.Command {
	return &cli.Command{
		Name:        "version",
		Usage:       "print the version",
		Description: "Prints the version of the program, and what it was built with and for.",
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return misuse("", "version takes no arguments: %q", c.Args().First())
			}
			_, err := fmt.Fprintf(env.Stdout, "sessionlab %s %s %s/%s\n", env.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
