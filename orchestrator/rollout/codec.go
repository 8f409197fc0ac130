package rollout

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// Encode returns a fact as its name and a JSON object. [Decode] gives back an equal one.
func Encode(f Fact) (name string, data []byte, err error) {
	data, err = json.Marshal(f)
	if err != nil {
		return "", nil, fmt.Errorf("encode the fact %s: %w", f.Name(), err)
	}
	return f.Name(), data, nil
}

// Decode is the reverse of [Encode].
func Decode(name string, data []byte) (Fact, error) {
	of, ok := typeNamed[name]
	if !ok {
		return nil, fmt.Errorf("a fact named %q: a newer skein stored it", name)
	}
	f := reflect.New(of)
	if err := json.Unmarshal(data, f.Interface()); err != nil {
		return nil, fmt.Errorf("decode the fact %s: %w", name, err)
	}
	return f.Elem().Interface().(Fact), nil
}

// typeNamed has the type of each fact by its name.
var typeNamed = func() map[string]reflect.Type {
	types := map[string]reflect.Type{}
	for _, f := range factTypes() {
		types[f.Name()] = reflect.TypeOf(f)
	}
	return types
}()
