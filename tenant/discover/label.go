package discover

import "maps"

// setLabels returns the labels that have a value; nil if none has.
func setLabels(labels map[string]string) map[string]string {
	var set map[string]string
	for key, value := range labels {
		if value == "" {
			continue
		}
		if set == nil {
			set = make(map[string]string, len(labels))
		}
		set[key] = value
	}
	return set
}

// mergeLabels returns the labels of a source, overridden by a tenant's own. Tenants without labels of their own share the
// map of the source.
func mergeLabels(source, own map[string]string) map[string]string {
	own = setLabels(own)
	if own == nil {
		return source
	}
	if len(source) == 0 {
		return own
	}
	merged := make(map[string]string, len(source)+len(own))
	maps.Copy(merged, source)
	maps.Copy(merged, own)
	return merged
}
