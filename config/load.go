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

// Options are what Load is told besides the file. The zero value reads the process's environment.
type Options struct {
	Env       []string          // NAME=value, the last of a name counts; nil = that of the process
	Overrides map[string]string // from flags: path of a key (rollout.max_failures) → value; nil = none
	Vars      map[string]string // from -x key=value; kept as they are
	Offline   bool              // no tenant will be touched: `tenants` and URLs of servers may be missing
	Now       time.Time         // by which pins have ended; zero = the clock on the wall
}

// Load reads the config at path and merges it with flags and the environment: flag > environment > file >
// default. It opens no connection and reads no secret. Errors are *Error, several joined by errors.Join
// in the order of the file, so that one run shows every mistake.
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
		e.Message = "there is no such config"
		e.Advice = "`skein init` writes one; or name yours with -c FILE or SKEIN_CONFIG"
	}
	return e
}

// load is Load after the only thing it reads.
func load(file string, text []byte, opts Options) (*Project, error) {
	if opts.Env == nil {
		opts.Env = os.Environ()
	}
	if opts.Now.IsZero() {
		opts.Now = time.Now()
	}
	m := &mistakes{}
	node := parse(text, m, file)
	if len(m.all) > 0 {
		return nil, m.err() // what follows would be guesses
	}
	if node == nil {
		return nil, &Error{
			Kind: KindRead, File: file, Message: "the config is empty",
			Advice: "`skein init` writes one that explains each key; or start with `tenants:`",
		}
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, &Error{Kind: KindRead, File: file, Message: fmt.Sprintf("its folder has no path: %v", err)}
	}
	table := keys()
	root := newShape(table)
	names := serversOf(node)
	variables, warnings := (&environ{root: root, servers: names}).read(opts.Env, m)
	variables = checkVariables(variables, m)
	overrides := checkVariables(flags(root, opts.Overrides, m), m)
	r := &reader{file: file, mistakes: m, offline: opts.Offline, supplied: func(p path) bool {
		return supplied(p, variables)
	}}
	tree := r.read(nil, root, nil, node)
	servers := inOrder(tree.at("servers"), variables)
	b := &builder{
		merged:   newMerged(tree, overrides, variables, table, servers, file),
		mistakes: m, tree: tree, dir: dir, opts: opts,
		project: &Project{Path: file, Dir: filepath.Dir(file), Vars: opts.Vars, Warnings: warnings},
	}
	b.build(servers)
	if err := m.err(); err != nil {
		return nil, err
	}
	b.project.settings = b.settings(root, nil, tree)
	return b.project, nil
}

// supplied reports whether a variable holds the value or, of a secret, says where it is.
func supplied(p path, variables map[string]variable) bool {
	for _, q := range []path{p, p.join(secretEnv), p.join(secretFile)} {
		if _, ok := variables[q.id()]; ok {
			return true
		}
	}
	return false
}

// serversOf finds the names of servers in a document that nobody has checked yet: those below `servers`,
// and those that a source names, which a variable may then define.
func serversOf(root *yaml.Node) []string {
	var names []string
	quiet := func(*yaml.Node) {}
	below := func(n *yaml.Node, name string) *yaml.Node {
		if n != nil && n.Kind == yaml.MappingNode {
			for _, p := range pairs(n, quiet) {
				if p.key.Value == name {
					return p.value
				}
			}
		}
		return nil
	}
	add := func(name string) {
		if name != "" && checkName(name) == nil && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if servers := below(root, "servers"); servers != nil && servers.Kind == yaml.MappingNode {
		for _, p := range pairs(servers, quiet) {
			add(p.key.Value)
		}
	}
	seen := map[*yaml.Node]bool{} // aliases must not multiply the work
	named := func(n *yaml.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		if s := below(n, "server"); s != nil && !strings.HasPrefix(s.Value, "$") {
			add(s.Value)
		}
	}
	for _, source := range items(below(root, "tenants")) {
		named(source)
		named(below(source, "query"))
		if list := below(source, "list"); !seen[list] {
			seen[list] = true
			for _, record := range items(list) {
				named(record)
			}
		}
	}
	return names
}

func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	list := make([]*yaml.Node, len(n.Content))
	for i, item := range n.Content {
		list[i] = resolve(item)
	}
	return list
}

// inOrder returns the servers as the file has them, then those that only variables know.
func inOrder(servers *field, variables map[string]variable) []string {
	var names, extra []string
	if servers != nil {
		for _, s := range servers.fields {
			names = append(names, s.path[1])
		}
	}
	for _, v := range variables {
		if v.path[0] == "servers" && !slices.Contains(names, v.path[1]) && !slices.Contains(extra, v.path[1]) {
			extra = append(extra, v.path[1])
		}
	}
	slices.Sort(extra)
	return append(names, extra...)
}
