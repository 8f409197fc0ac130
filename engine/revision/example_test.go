package revision_test

import (
	"fmt"

	"github.com/skeindb/skein/engine/revision"
)

func ExampleGraph_Path() {
	g, err := revision.NewGraph([]*revision.Revision{
		{ID: "1975ea83b712", Message: "users"},
		{ID: "27c6a30d7c24", Revises: []string{"1975ea83b712"}, Labels: []string{"shop"}},
		{ID: "ae1027a6acf0", Revises: []string{"1975ea83b712"}, DependsOn: []string{"shop"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	up, err := g.Path(revision.Up, []string{"1975ea83b712"}, "ae10") // the beginning of an id will do
	fmt.Println(up.Steps, up.Heads, err)

	down, err := g.Path(revision.Down, up.Heads, "shop@1975")
	fmt.Println(down.Steps, down.Heads, err)

	_, err = g.Path(revision.Up, nil, "head")
	fmt.Println(err)
	// Output:
	// [27c6a30d7c24 ae1027a6acf0] [ae1027a6acf0] <nil>
	// [ae1027a6acf0 27c6a30d7c24] [1975ea83b712] <nil>
	// head: there are 2 heads: 27c6a30d7c24, ae1027a6acf0
}
