//go:build !unix

package embedded

func diskFull(string) error { return nil }
