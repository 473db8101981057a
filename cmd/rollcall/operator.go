package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"

	"rollcall/model"
	"rollcall/model/operator"
	"rollcall/model/store"
)

// operatorCommands are the subcommands of operator.
var operatorCommands = map[string]struct {
	email bool // takes --email
	run   func(p *program, ctx context.Context, store *store.Store, email string) error
}{
	"create":         {true, (*program).createOperator},
	"list":           {false, (*program).listOperators},
	"remove":         {true, (*program).removeOperator},
	"reset-password": {true, (*program).resetOperatorPassword},
}

// operator is the command operator.
func (p *program) operator(ctx context.Context, args []string) error {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		fmt.Fprint(p.out,
			"Usage: rollcall operator create|remove|reset-password --email E\n       rollcall operator list\n")
		if len(args) > 0 && (args[0] == "-h" || args[0] == "--help") {
			return flag.ErrHelp
		}
		return errUsage{fmt.Errorf("say what to do: create, list, remove or reset-password")}
	}
	command, known := operatorCommands[args[0]]
	if !known {
		return errUsage{fmt.Errorf("there is no %q; say create, list, remove or reset-password", args[0])}
	}
	f := p.flags("operator " + args[0])
	file := configFlag(f)
	email := new(string)
	if command.email {
		email = f.String("email", "", "the operator's e-mail `ADDRESS`")
	}
	if err := parse(f, args[1:]); err != nil {
		return err
	}
	if *email = model.Trimmed(*email); command.email && *email == "" {
		return errUsage{fmt.Errorf("--email is missing")}
	}
	c, err := p.load(*file)
	if err != nil {
		return err
	}
	store, err := p.openStore(ctx, c)
	if err != nil {
		return err
	}
	err = command.run(p, ctx, store, *email)
	if closed := store.Close(); err == nil {
		err = closed
	}
	if model.KindOf(err) == model.Invalid {
		return errUsage{err}
	}
	return err
}

func (p *program) createOperator(ctx context.Context, store *store.Store, email string) error {
	op, password, err := operator.Across(store).CreateOperator(ctx, email)
	if err != nil {
		return err
	}
	p.printOneTime(op.Email, password)
	return nil
}

func (p *program) resetOperatorPassword(ctx context.Context, store *store.Store, email string) error {
	password, err := operator.Across(store).ResetOperatorPassword(ctx, email)
	if err != nil {
		return err
	}
	p.printOneTime(email, password)
	return nil
}

func (p *program) printOneTime(email, password string) {
	fmt.Fprintf(p.out, "One-time password of %s, good for 24 hours:\n\n  %s\n\n"+
		"Sign in with it at /console; a password of your own is asked for there.\n", email, password)
}

func (p *program) removeOperator(ctx context.Context, store *store.Store, email string) error {
	if err := operator.Across(store).DeleteOperator(ctx, email); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s is no operator any more, and is signed out everywhere.\n", email)
	return nil
}

func (p *program) listOperators(ctx context.Context, store *store.Store, _ string) error {
	all, err := operator.Across(store).Operators(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		fmt.Fprintln(p.out, "There are no operators; rollcall operator create makes one.")
		return nil
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "E-MAIL\tSINCE\tLAST SIGN-IN\tPASSWORD")
	for _, op := range all {
		last, password := "never", "own"
		if op.LastSignedInAt != nil {
			last = op.LastSignedInAt.String()
		}
		if op.OneTime {
			password = "one-time"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", op.Email, op.CreatedAt, last, password)
	}
	return w.Flush()
}
