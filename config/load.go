package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Options are the inputs of Load besides the file. The zero value reads the environment of the process.
type Options struct {
	Env       []string          // NAME=value, the last of a name wins; nil = os.Environ
	Overrides map[string]string // from flags: path of a key (rollout.max_failures) → value; nil = none
	Vars      map[string]string // from -x key=value; kept unchanged
	Offline   bool              // no tenant is needed: `tenants` and URLs of servers may be missing
	Now       time.Time         // time at which pins are checked for their end; zero = time.Now
}

// Load reads the config at path and merges it with flags and the environment: flag > environment > file >
// default. It opens no connection and reads no secret. All mistakes are returned at once: each is an *Error, joined by
// errors.Join in the order of the file.
func Load(path string, opts Options) (*Project, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return load(path, text, opts)
}

func unreadable(path string, err error) error {
	e := &Error{Kind: KindRead, File: path, Message: "cannot be read"}
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		e.Message += ": " + cause.Err.Error()
	}
	if errors.Is(err, fs.ErrNotExist) {
		e.Message = "config file not found"
		e.Advice = "`skein init` writes one; or set its path with -c FILE or SKEIN_CONFIG"
	}
	return e
}

// load is Load with the text of the file.
func load(file string, text []byte, opts Options) (*Project, error) {
	if opts.Env == nil {
		opts.Env = os.Environ()
	}
	if opts.Now.IsZero() {
		opts.Now = time.Now()
	}
	m := &errorList{file: file}
	node := parse(text, m)
	if len(m.all) > 0 {
		return nil, m.err() // without a tree there is nothing to check
	}
	if node == nil {
		return nil, &Error{
			Kind: KindRead, File: file, Message: "the config is empty",
			Advice: "`skein init` writes one with comments; or start with `tenants:`",
		}
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, &Error{Kind: KindRead, File: file, Message: fmt.Sprintf("cannot resolve its folder: %v", err)}
	}
	p := &Project{Path: file, Dir: filepath.Dir(file), Vars: opts.Vars, lookup: lookup(opts.Env)}
	b := &builder{errorList: m, dir: dir, opts: opts, project: p}
	root := b.read(node)
	b.build()
	if err := m.err(); err != nil {
		return nil, err
	}
	p.settings = b.settings(root, nil, b.tree)
	return p, nil
}

// read reads all layers and determines the servers. It returns the table of keys as a tree.
func (b *builder) read(node *yaml.Node) *shape {
	table := keys()
	root := newShape(table)
	r := &reader{errorList: b.errorList, dir: b.dir, lookup: b.project.lookup}
	b.tree = r.read(nil, root, nil, node)
	servers := serversOf(b.tree)
	env, warnings := r.environment(b.opts.Env, newVariables(root, servers))
	b.project.Warnings = warnings
	b.servers = slices.DeleteFunc(servers, func(name string) bool {
		return b.tree.at("servers").at(name) == nil && !slices.ContainsFunc(env, func(f *field) bool { return f.path[0] == "servers" && f.path[1] == name })
	})
	b.layers = newLayers(r.defaults(table, b.servers), b.tree.values(), env, r.flags(root, b.opts.Overrides))
	return root
}

// lookup returns os.LookupEnv for an environment.
func lookup(env []string) func(string) (string, bool) {
	values := make(map[string]string, len(env))
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		values[name] = value
	}
	return func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}
}

// serversOf returns the names of servers: those of the file in order, then, sorted, those that only a source names, which
// variables may define.
func serversOf(tree *field) []string {
	var names []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] && checkName(name) == nil {
			seen[name] = true
			names = append(names, name)
		}
	}
	for _, s := range tree.at("servers").entries() {
		add(s.last())
	}
	inFile := len(names)
	for _, source := range tree.at("tenants").entries() {
		for _, f := range append([]*field{source, source.at("query")}, source.at("list").entries()...) {
			if name := get[string](f, "server"); !strings.HasPrefix(name, "$") {
				add(name)
			}
		}
	}
	slices.Sort(names[inFile:])
	return names
}
