package config

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// Secrets stand in one of four forms on several layers, and unlike other values also in lists, which only the
// file has. Here is found out which of them counts.

// source returns where a secret comes from: the highest layer that has it in any form, and which form:
// "" for plain text, env, file or exec.
func (b *builder) source(at path) (rank, string) {
	best, _ := b.merged.origin(at)
	form := ""
	for _, sub := range []string{secretEnv, secretFile} {
		if r, _ := b.merged.origin(at.join(sub)); r > best {
			best, form = r, sub
		}
	}
	if f := b.field(at); best < fromFile && f != nil && !broken(f) {
		return fromFile, formOf(f)
	}
	return best, form
}

// formOf returns the form of a secret in the file that nothing is wrong with.
func formOf(f *field) string {
	if f.node.Kind == yaml.ScalarNode || len(f.fields) == 0 {
		return ""
	}
	only := f.fields[0].path
	return only[len(only)-1]
}

func (b *builder) field(at path) *field {
	f := b.tree
	for _, name := range at {
		f = f.at(name)
	}
	return f
}

// secret makes the Secret at a path; the zero one when it is not set. Nothing is read yet.
func (b *builder) secret(at path, k valueKind) Secret {
	r, form := b.source(at)
	switch {
	case r == absent:
		return Secret{}
	case r == fromFile:
		return b.written(b.field(at), k)
	case form == secretEnv:
		return envSecret(at.String(), b.merged.get(at.join(form)), b.project.lookup)
	case form == secretFile:
		return fileSecret(at.String(), b.merged.get(at.join(form)), b.dir)
	}
	return plain(b.merged.get(at), k)
}

// written makes a Secret of what stands in the file; the zero one when something is wrong with it.
func (b *builder) written(f *field, k valueKind) Secret {
	if broken(f) {
		return Secret{}
	}
	name := f.path.String()
	switch form := formOf(f); form {
	case secretEnv:
		return envSecret(name, f.text(form), b.project.lookup)
	case secretFile:
		return fileSecret(name, f.text(form), b.dir)
	case secretExec:
		return execSecret(name, f.at(form).texts, b.dir)
	}
	return plain(f.node.Value, k)
}

// plain makes a Secret of text that stands in the open. Of a URL `config show` has the harmless parts.
func plain(text string, k valueKind) Secret {
	secret := plainSecret(text)
	switch k {
	case kindURL, kindStore:
		secret.shown = RedactURL(text)
	case kindAddress:
		secret.shown = redactAddress(text)
	}
	return secret
}

// shown returns a secret in a harmless form, and where it was written; nil when there is none.
func (b *builder) shown(at path, k valueKind) (value any, source string) {
	r, form := b.source(at)
	switch {
	case r == absent:
		return nil, ""
	case r == fromFile:
		f := b.field(at)
		if form == secretEnv || form == secretFile {
			f = f.at(form)
		}
		source = b.where(f.node)
	case form != "":
		_, source = b.merged.origin(at.join(form))
	default:
		_, source = b.merged.origin(at)
	}
	return b.secret(at, k).shown, source
}

// where names the place of a node, as `config show` does.
func (b *builder) where(n *yaml.Node) string {
	return fmt.Sprintf("%s:%d:%d", b.merged.name, n.Line, n.Column)
}
