//go:build race

package kqtest

func init() {
	RaceEnabled = true
}
