package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// flagColumns is the width at which the help of flags wraps.
const flagColumns = 110

const commandsHead = `# Commands

` + "`hookline COMMAND --help`" + ` shows the same text. This page is generated: ` + "`task docs`" + ` writes it anew.

`

// commands returns the reference of root and all commands below it as one Markdown page.
func commands(root *cobra.Command) string {
	var page strings.Builder
	page.WriteString(commandsHead)
	index(&page, root)
	section(&page, root)
	return page.String()
}

// below returns the commands below cmd. The ones of "completion", a script for each shell, explain themselves in their help.
func below(cmd *cobra.Command) (all []*cobra.Command) {
	if cmd.Name() == "completion" {
		return nil
	}
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			all = append(all, c)
		}
	}
	return all
}

// index lists cmd and every command below it, each with a link to its section.
func index(page *strings.Builder, cmd *cobra.Command) {
	name := cmd.CommandPath()
	fmt.Fprintf(page, "- [%s](#%s): %s\n", name, strings.ReplaceAll(name, " ", "-"), cmd.Short)
	for _, c := range below(cmd) {
		index(page, c)
	}
}

// section describes cmd, and then the commands below it.
func section(page *strings.Builder, cmd *cobra.Command) {
	fmt.Fprintf(page, "\n## %s\n\n", cmd.CommandPath())
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	fmt.Fprintln(page, text)
	if cmd.Runnable() && !cmd.HasAvailableSubCommands() {
		block(page, "text", cmd.UseLine())
	}
	if cmd.HasExample() {
		block(page, "sh", strings.ReplaceAll(strings.TrimPrefix(cmd.Example, "  "), "\n  ", "\n"))
	}
	if flags := cmd.NonInheritedFlags(); flags.HasAvailableFlags() {
		block(page, "text", flags.FlagUsagesWrapped(flagColumns))
	}
	for _, c := range below(cmd) {
		section(page, c)
	}
}

func block(page *strings.Builder, language, text string) {
	fmt.Fprintf(page, "\n```%s\n%s\n```\n", language, strings.TrimRight(text, "\n"))
}
