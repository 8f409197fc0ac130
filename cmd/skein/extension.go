package main

import (
	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/tenant"
)

// know remembers who the tenants are, all of them, whichever of them a command is about.
func (f *fleet) know(tenants []tenant.Tenant) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ids = make(map[engine.Location]string, len(tenants))
	for _, t := range tenants {
		f.ids[t.Location] = t.ID
	}
}

// misplaced adds to extensions whose schemas they lie in. The list is never nil.
func (f *fleet) misplaced(extensions []postgres.Extension) []view.MisplacedExtension {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]view.MisplacedExtension, 0, len(extensions))
	for _, e := range extensions {
		m := view.MisplacedExtension{Extension: e, Advice: e.Advice()}
		for t, id := range f.ids {
			if t.Server == e.Server && t.Database == e.Database && t.Schema == e.Schema {
				m.Tenant = &id
			}
		}
		list = append(list, m)
	}
	return list
}

// misplacedText says where the extension lies and what to do about it.
func misplacedText(m view.MisplacedExtension) string {
	text := m.Extension.String()
	if m.Tenant != nil {
		text += " (" + *m.Tenant + ")"
	}
	return text + ": other tenants do not find it there, and dropping the schema drops it for all of them; " + m.Advice
}

// lookForMisplaced warns of the extensions that the survey found in schemas of tenants, and keeps them for the output
// of the plan.
func (f *fleet) lookForMisplaced() {
	if f.pg == nil {
		return
	}
	f.app.misplaced = f.misplaced(f.pg.Misplaced())
	for _, m := range f.app.misplaced {
		f.warn(misplacedText(m))
	}
}
