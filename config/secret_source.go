package config

import (
	"context"

	"gopkg.in/yaml.v3"
)

// The forms of a secret whose value is not in the config.
const (
	secretEnv  = "env"
	secretFile = "file"
	secretExec = "exec"
)

// secret reads a mapping with one of env, file, exec.
func (r *reader) secret(f *field) {
	whole := f.shape
	f.shape = secretShape()
	r.mapping(f)
	f.shape = whole
	f.invalid = f.invalid || f.anyInvalid()
	switch {
	case len(f.fields) != 1:
		f.invalid = true
		if len(f.fields) > 0 || len(f.node.Content) == 0 { // otherwise each unknown key was reported
			r.errorAt(KindConflict, f.node, f.path, "takes exactly one of env, file, exec", "")
		}
	case !f.invalid:
		f.value = r.toValue(f, formOf(f), f.fields[0].value)
	}
}

func secretShape() *shape {
	return newShape([]key{
		{path: secretEnv, typ: plainText()},
		{path: secretFile, typ: plainText()},
		{path: secretExec, typ: program()},
	})
}

// formOf returns the form of a secret in the file: env, file or exec; "" for plain text.
func formOf(f *field) string {
	if f.node.Kind != yaml.MappingNode || len(f.fields) == 0 {
		return ""
	}
	return f.fields[0].last()
}

// toValue returns the value of a field. That of a secret is a Secret, which reads and checks it when it is used.
func (r *reader) toValue(f *field, form string, value any) any {
	t, key := f.shape.key.typ, f.path.String()
	switch {
	case t.secret == nil:
		return value
	case form == secretEnv:
		return envSecret(key, value.(string), r.lookup).checked(key, t)
	case form == secretFile:
		return fileSecret(key, value.(string), r.dir).checked(key, t)
	case form == secretExec:
		return execSecret(key, value.([]string), r.dir).checked(key, t)
	}
	s := plainSecret(value.(string))
	s.shown = t.secret(value.(string))
	return s
}

// checked returns the secret with a check of its form whenever it is read.
func (s Secret) checked(key string, t *valueType) Secret {
	read := s.read
	s.read = func(ctx context.Context) (string, error) {
		text, err := read(ctx)
		if err != nil {
			return "", err
		}
		if _, bad := t.parse(text); bad != nil {
			return "", &Error{Kind: KindSecret, Key: key, Message: bad.message, Advice: bad.advice}
		}
		return text, nil
	}
	return s
}
