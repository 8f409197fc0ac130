package main

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skeindb/skein/engine/text"
)

// seeHelp is the hint where nothing better is known.
func seeHelp(cmd *cobra.Command) string { return "see `" + cmd.CommandPath() + " --help`" }

// commandHint is the command that was probably meant: one with a similar name, or one of that name in a group, such as
// `rollout resume` for `resume`.
func commandHint(cmd *cobra.Command, args []string) string {
	if !cmd.HasSubCommands() || len(args) == 0 {
		return seeHelp(cmd)
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	if near := text.Nearest(args[0], names); near != "" {
		return "did you mean " + near + "?"
	}
	for _, group := range cmd.Commands() {
		for _, sub := range group.Commands() {
			if sub.Name() == args[0] {
				return "did you mean " + group.Name() + " " + sub.Name() + "?"
			}
		}
	}
	return seeHelp(cmd)
}

// flagHint is the flag that was probably meant.
func flagHint(cmd *cobra.Command, err error) string {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return seeHelp(cmd)
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if near := text.Nearest(unknown.GetSpecifiedName(), names); near != "" {
		return "did you mean --" + near + "?"
	}
	return seeHelp(cmd)
}
