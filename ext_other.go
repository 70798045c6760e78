//go:build !freebsd

package kqueue

// Only FreeBSD has the field Ext.
func (e Event) extText() string {
	return ""
}
