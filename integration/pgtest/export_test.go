package pgtest

// Here says whether this machine has servers of a kind.
func Here(way string) bool {
	switch way {
	case wayDocker:
		docker, err := dockerClient()
		return err == nil && ensureImage(docker, imageOf("")) == nil
	case wayLocal:
		return len(localBins()) > 0
	}
	return false
}
