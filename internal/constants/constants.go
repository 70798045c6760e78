// Package constants reads testdata/constants.tsv for the tests.
package constants

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A Row is a constant of sys/event.h of one system.
type Row struct {
	System string // its GOOS
	Group  string // filter, flag, or the filters whose note it is: read/write
	Name   string
	Text   string // the number as it is written
	Value  int64
	Since  string // the release that brought it, or nothing if it is old
}

// Read returns the rows of the file.
func Read(file string) ([]Row, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		c := strings.Split(strings.TrimSuffix(line, "\r"), "\t")
		if len(c) != 4 && len(c) != 5 {
			return nil, fmt.Errorf("%s: %d columns in %q", file, len(c), line)
		}
		value, err := strconv.ParseInt(c[3], 0, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		row := Row{System: c[0], Group: c[1], Name: c[2], Text: c[3], Value: value}
		if len(c) == 5 {
			row.Since = c[4]
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Filters returns the filters of a group of notes, without their prefix.
func Filters(group string) []string {
	if group == "jail" {
		return []string{"JAIL", "JAILDESC"}
	}
	return strings.Split(strings.ToUpper(group), "/")
}

// GoName returns package kqueue's name for a constant: each word of the C name is
// capitalized, and initialisms are in capitals.
func GoName(name string) string {
	prefix, rest, _ := strings.Cut(name, "_")
	out := map[string]string{"EVFILT": "Filter", "EV": "Flag", "NOTE": "Note"}[prefix]
	for _, word := range strings.Split(rest, "_") {
		switch word {
		case "AIO", "EOF", "FS", "LIO", "OOB", "VM":
			out += word
		case "EXITSTATUS":
			out += "ExitStatus"
		default:
			out += word[:1] + strings.ToLower(word[1:])
		}
	}
	return out
}
