//go:build !unix

package loopback

func openFiles() string   { return "" }
func systemFiles() string { return "" }
func localPorts() string  { return "" }
