package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"rollcall/config"
)

// program is one run of the binary. Its fields replace the environment and the standard streams in
// tests.
type program struct {
	environ  []string
	out, err io.Writer
}

// command is one of the program's commands.
type command struct {
	name    string
	summary string
	run     func(p *program, ctx context.Context, args []string) error
}

// commands are all commands, in the order of the usage.
func commands() []command {
	return []command{
		{"serve", "run the server; it migrates the database first unless --no-migrate", (*program).serve},
		{"demo", "run the server on SQLite in a temporary folder with a test identity provider, and say what to try",
			(*program).demo},
		{"testidp", "run the test identity provider alone, against any SCIM server", (*program).testIDP},
		{"operator", "create, list or remove those who run this installation, or reset a password",
			(*program).operator},
		{"migrate", "apply the database's migrations, or list them with --status", (*program).migrate},
		{"version", "print the version", (*program).version},
	}
}

// errUsage ends the program with status 2: the command line or the configuration is wrong.
type errUsage struct{ error }

// run executes one command and returns the exit status: 0, 1 when something failed, 2 when the
// command line or the configuration is wrong.
func (p *program) run(ctx context.Context, args []string) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		p.usage(p.out)
		if len(args) == 0 {
			return 2
		}
		return 0
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(p, ctx, args[1:])
		var usage errUsage
		switch {
		case err == nil || errors.Is(err, flag.ErrHelp):
			return 0
		case errors.As(err, &usage):
			fmt.Fprintf(p.err, "rollcall %s: %v\n", c.name, err)
			return 2
		}
		fmt.Fprintf(p.err, "rollcall %s: %v\n", c.name, err)
		return 1
	}
	fmt.Fprintf(p.err, "rollcall: there is no command %q\n\n", args[0])
	p.usage(p.err)
	return 2
}

func (p *program) usage(w io.Writer) {
	fmt.Fprint(w, "Rollcall is a directory-sync and single sign-on server.\n\n"+
		"Usage: rollcall COMMAND [FLAGS]; rollcall COMMAND -h lists the flags.\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-10s%s\n", c.name, c.summary)
	}
}

// flags makes a command's flag set, for parse.
func (p *program) flags(name string) *flag.FlagSet {
	f := flag.NewFlagSet("rollcall "+name, flag.ContinueOnError)
	f.SetOutput(p.out)
	return f
}

// configFlag adds the flag of the configuration file, for load.
func configFlag(f *flag.FlagSet) *string {
	return f.String("config", "", "read the same settings as NAME=VALUE lines from `FILE`; the environment wins")
}

// load returns the settings of the environment and of a file, which may be empty. Its error is
// errUsage.
func (p *program) load(file string) (config.Config, error) {
	c, err := config.Load(p.environ, file)
	if err != nil {
		return config.Config{}, errUsage{err}
	}
	return c, nil
}

// parse parses the arguments of a command. Its error is errUsage or flag.ErrHelp.
func parse(f *flag.FlagSet, args []string) error {
	var said strings.Builder
	out := f.Output()
	f.SetOutput(&said)
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, said.String())
		return err
	}
	if err == nil && f.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if err != nil {
		return errUsage{err}
	}
	return nil
}
