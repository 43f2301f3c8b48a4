package test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/cli"
)

// TestCommandsInPagesExist parses each command line of hookline that a page shows: commands and flags have to exist, and a
// line of a console block has to have its arguments.
func TestCommandsInPagesExist(t *testing.T) {
	t.Parallel()
	inline := regexp.MustCompile("`(?:hookline|go run ./cmd/hookline) ([^`]+)`")
	checked := 0
	for _, p := range pages(t) {
		if p.file == "CHANGELOG.md" || p.generated() {
			continue // history; or written by the commands themselves
		}
		for _, s := range p.code {
			for _, command := range consoleCommands(s) {
				checked++
				if err := parseCommand(command, true); err != nil {
					t.Errorf("%s:%d: hookline %s: %v", p.file, s.line, strings.Join(command, " "), err)
				}
			}
		}
		for _, found := range inline.FindAllStringSubmatch(p.text(), -1) {
			checked++
			if err := parseCommand(words(found[1]), false); err != nil {
				t.Errorf("%s: hookline %s: %v", p.file, found[1], err)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d command lines were found", checked)
	}
}

func TestAWrongCommandInAPageIsFound(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"dead lst", "ded", "send alma --lst", "dead show ROUTE", "audit now"} {
		if parseCommand(words(line), true) == nil {
			t.Errorf("hookline %s is no error", line)
		}
	}
}

// TestTheFirstTutorialShowsTheOutput follows docs/tutorials/first-file.md. Each line of output there has to come, apart from
// numbers, IDs and times; lines that are cut short with "..." are left out.
func TestTheFirstTutorialShowsTheOutput(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	p := f.start(t, "run")
	sent := f.run(t, "send", "alma", "job_end", "--url", "http://"+p.listen)
	p.log(t, "delivery done")
	outputs := masked(sent.stdout + "\n" + f.run(t, "audit").stdout + "\n" + filepath.Base(f.exported(t)[0]))
	p.stop(t)
	banner := strings.ReplaceAll(p.stdout.String(), filepath.Join(programs, "hookline")+" send", "hookline send") // as with a program in the PATH
	outputs = append(outputs, masked(banner)...)
	for _, s := range newPage("", read(t, "../docs/tutorials/first-file.md")).code {
		for line := range strings.Lines(s.text) {
			if strings.HasPrefix(line, "$ ") || strings.Contains(line, "...") {
				continue
			}
			if want := masked(line); !slices.Contains(outputs, want[0]) {
				t.Errorf("docs/tutorials/first-file.md shows %q, and no command prints it; they print %q", line, outputs)
			}
		}
	}
}

// masked returns the lines of an output without the parts that differ from run to run.
func masked(output string) []string {
	output = regexp.MustCompile(`[0-9A-Z]{20,}|[0-9.]+(ms|µs)|[0-9]+`).ReplaceAllString(output, "0")
	lines := strings.Split(output, "\n")
	for i, line := range lines {
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	return lines
}

// text returns the page's prose as one line, so that code in it may go on in the next line.
func (p page) text() string {
	prose := p.prose()
	var all []string
	for i := range p.lines {
		all = append(all, strings.TrimSpace(prose[i+1]))
	}
	return strings.Join(all, " ")
}

// started matches the beginning of a shell command that starts hookline: variables, a program that starts another, and the
// program itself, also in a container or as a custom build.
var started = regexp.MustCompile(`^\s*([A-Z_]+=\S+ )*((docker compose exec receiver|nice -n 10|go run) )?(\./cmd/|\./|/)?(hookline|custom) `)

// consoleCommands returns the arguments of hookline in the commands of a console block.
func consoleCommands(s snippet) (all [][]string) {
	if s.language != "console" {
		return nil
	}
	for line := range strings.Lines(strings.ReplaceAll(s.text, "\\\n", " ")) {
		shell, isCommand := strings.CutPrefix(line, "$ ")
		if !isCommand {
			continue
		}
		for part := range strings.SplitSeq(shell, "&&") {
			if begin := started.FindString(part); begin != "" {
				all = append(all, words(strings.TrimPrefix(part, begin)))
			}
		}
	}
	return all
}

var quoted = regexp.MustCompile(`'[^']*'|"[^"]*"`)

// words splits a shell line, without its comment, redirections and the commands behind a pipe.
func words(line string) []string {
	line = quoted.ReplaceAllString(line, "QUOTED")
	line, _, _ = strings.Cut(line, " #")
	line, _, _ = strings.Cut(line, "|")
	line, _, _ = strings.Cut(line, ">")
	return strings.Fields(strings.NewReplacer("[", "", "]", "", "...", "").Replace(line))
}

// parseCommand looks for the command and its flags, and with whole also at its number of arguments.
func parseCommand(args []string, whole bool) error {
	root := cli.Program{}.Command()
	command, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if err := command.ParseFlags(rest); err != nil {
		return err
	}
	rest = command.Flags().Args()
	if command.HasAvailableSubCommands() {
		return cobra.NoArgs(command, rest)
	}
	if whole {
		return command.ValidateArgs(rest)
	}
	return nil
}
