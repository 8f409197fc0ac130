package notify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Hook is a URL that gets messages, and the occasions on which it gets them.
type Hook struct {
	Name   string                                // shown in warnings in place of the URL; "" = its place in the list, from 1
	URL    func(context.Context) (string, error) // read for each message: it mostly is a secret, and may change
	Format Format                                // default JSON
	On     []Occasion                            // empty = all
}

// Format is the form of a message.
type Format string

const (
	JSON  Format = "json"  // an object with all that is known: see the documentation of the keys in message
	Slack Format = "slack" // {"text": …}, which Mattermost and others read, too
)

// Occasion is an event of a rollout that hooks get a message about.
type Occasion string

const (
	Started     Occasion = "started"     // a run of a rollout: its first, or a resumption
	Gate        Occasion = "gate"        // the verdict of a wave's gate
	Approval    Occasion = "approval"    // one is awaited
	Paused      Occasion = "paused"      // the process has ended; so it has with the following
	Halted      Occasion = "halted"      //
	Interrupted Occasion = "interrupted" //
	Aborted     Occasion = "aborted"     //
	Finished    Occasion = "finished"    // also with failed tenants
)

// Occasions returns all of them, in the order in which they may come.
func Occasions() []Occasion {
	return []Occasion{Started, Gate, Approval, Paused, Halted, Interrupted, Aborted, Finished}
}

func (h *Hook) wants(o Occasion) bool { return len(h.On) == 0 || slices.Contains(h.On, o) }

// title is the hook as warnings call it.
func (h *Hook) title(place int) string {
	return "webhook " + cmp.Or(h.Name, fmt.Sprint(place+1))
}
