package kernels_test

// This directory holds what kernels answer. The answers are in the .json files, one
// beside each test file of a section (pipes.json beside pipes_test.go). The tests
// compare a kernel with them, and README.md is made from them.
//
// To add an answer, write a test that calls expect(t, "what was done", answer).
// Then run it on the kernels and let them fill in the table:
//
//	KQUEUE_RECORD=1 GOOS=freebsd … go test -v -run TestMine ./kernels >freebsd.out
//	go test ./kernels -run TestPage -record '*.out'
//
// and give the table in the .json file a title and, where a reader needs it, a note.
// (In the .json file, "systems" are those that have the thing, if not all have it;
// "unasked" is the reason why no test asks a row; "bites" is a sentence for the list
// of what is most likely to bite; "source" is a place in a kernel's source for each
// system whose answer surprises.) Rows of macOS that are "not asked" stay so, because
// files and TCP are made up where its kernel runs: delete the answer to record one.
//
//	go test ./kernels -update
//
// writes the .json files in one style, and README.md.

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/template"

	"github.com/go-kqueue/kqueue/internal/constants"
)

var (
	update = flag.Bool("update", false, "write README.md and the .json files")
	record = flag.String("record", "", "add the answers in these `files`, outputs of tests with KQUEUE_RECORD=1, to the .json files")
)

// A system is an element of systems.json.
type system struct {
	System      string   `json:"system"` // its GOOS
	Name        string   `json:"name"`
	Asked       string   `json:"asked"` // the releases
	FileSystems []string `json:"fileSystems"`
}

// A section is one of the other .json files.
type section struct {
	Title  string   `json:"title"`
	Intro  string   `json:"intro,omitempty"`
	Tables []*table `json:"tables"`

	name string // of the file
}

type table struct {
	Test    string `json:"test,omitempty"`
	Title   string `json:"title"`
	Note    string `json:"note,omitempty"`
	Bites   string `json:"bites,omitempty"`
	Systems string `json:"systems,omitempty"` // all if empty
	Rows    []*row `json:"rows"`
}

type row struct {
	What string `json:"what"`
	// Answers has the answer of each system. A key is the name of a system or
	// several names. A name with a release or with a file system, such as
	// "dragonfly-tmpfs", precedes that of the system alone.
	Answers map[string]string `json:"answers"`
	Source  map[string]string `json:"source,omitempty"` // by system
	Unasked string            `json:"unasked,omitempty"`
	Bites   string            `json:"bites,omitempty"`
}

// notAsked is the answer of a system that has not been asked.
const notAsked = "not asked"

//go:embed *.json
var embedded embed.FS

// An atlas is all of the .json files.
type atlas struct {
	systems  []*system
	sections []*section
}

// sectionNames are the sections in the order of the page.
var sectionNames = []string{"pipes", "sockets", "files", "terminals", "processes", "signals", "timers", "user", "queue"}

// known are the answers that this program was built with.
var known = sync.OnceValue(func() *atlas {
	a, err := load(embedded)
	if err != nil {
		panic(err)
	}
	return a
})

func load(files fs.FS) (*atlas, error) {
	a := new(atlas)
	get := func(name string, to any) error {
		text, err := fs.ReadFile(files, name+".json")
		if err != nil {
			return err
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(to); err != nil {
			return fmt.Errorf("%s.json: %w", name, err)
		}
		return nil
	}
	if err := get("systems", &a.systems); err != nil {
		return nil, err
	}
	for _, name := range sectionNames {
		s := &section{name: name}
		if err := get(name, s); err != nil {
			return nil, err
		}
		a.sections = append(a.sections, s)
	}
	return a, nil
}

// has reports whether a system of that name was asked on that file system.
func (a *atlas) has(name, fileSystem string) bool {
	for _, s := range a.systems {
		if s.System == name {
			return fileSystem == "" || slices.Contains(s.FileSystems, fileSystem)
		}
	}
	return false
}

// answer returns the answer for the first name that has one.
func (r *row) answer(names ...string) string {
	for _, name := range names {
		for key, answer := range r.Answers {
			if slices.Contains(strings.Fields(key), name) {
				return answer
			}
		}
	}
	return ""
}

// apart returns the answers by single names.
func (r *row) apart() map[string]string {
	answers := make(map[string]string)
	for key, answer := range r.Answers {
		for _, name := range strings.Fields(key) {
			answers[name] = answer
		}
	}
	return answers
}

// together sets the answers, with one key for all systems that answer the same.
func (r *row) together(answers map[string]string) {
	names := make(map[string][]string)
	for name, answer := range answers {
		names[answer] = append(names[answer], name)
	}
	r.Answers = make(map[string]string)
	for answer, list := range names {
		slices.Sort(list)
		r.Answers[strings.Join(list, " ")] = answer
	}
}

// systemsOf returns the systems that a table is about.
func (a *atlas) systemsOf(t *table) (list []*system) {
	for _, s := range a.systems {
		if t.Systems == "" || slices.Contains(strings.Fields(t.Systems), s.System) {
			list = append(list, s)
		}
	}
	return list
}

// format returns v as it stands in a .json file.
func format(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "\t")
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// README.md and the .json files are as -update writes them.
func TestPage(t *testing.T) {
	if _, err := os.Stat("readme.tmpl"); err != nil {
		t.Skip("the sources are not here:", err)
	}
	a, err := load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if *record != "" {
		*update = true
		files := strings.FieldsFunc(*record, func(r rune) bool { return r == ',' || r == ' ' })
		if err := a.add(t, append(files, flag.Args()...)); err != nil {
			t.Error(err)
		}
	}
	want := make(map[string][]byte)
	for _, s := range a.sections {
		for _, table := range s.Tables {
			for _, r := range table.Rows {
				r.together(r.apart())
			}
		}
		want[s.name+".json"] = format(s)
	}
	want["README.md"] = a.page(t)
	for name, text := range want {
		have, err := os.ReadFile(name)
		if err == nil && bytes.Equal(bytes.ReplaceAll(have, []byte("\r\n"), []byte("\n")), text) {
			continue
		}
		if !*update {
			t.Errorf("%s is out of date: go test ./kernels -update writes it", name)
		} else if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Error(err)
		}
	}
	a.check(t)
}

// check fails if something is missing or unknown.
func (a *atlas) check(t *testing.T) {
	tests, asking := readTests(t)
	for _, s := range a.sections {
		if s.Title == "" {
			t.Errorf("%s.json has no title", s.name)
		}
		rows := make(map[[2]string]bool)
		for _, table := range s.Tables {
			where := s.name + ".json, " + cmp.Or(table.Test, table.Title)
			test, ok := tests[table.Test]
			switch {
			case table.Title == "":
				t.Errorf("%s: it has no title", where)
			case table.Test != "" && !ok:
				t.Errorf("%s: there is no such test", where)
			case ok && test.section != s.name:
				t.Errorf("%s: the test is in %s_test.go", where, test.section)
			case len(table.Rows) == 0:
				t.Errorf("%s: it has no rows", where)
			}
			for _, name := range strings.Fields(table.Systems) {
				if !a.has(name, "") {
					t.Errorf("%s: there is no system %s", where, name)
				}
			}
			asked := table.Test != ""
			for _, r := range table.Rows {
				where := where + ": " + r.What
				key := [2]string{table.Test, r.What}
				if r.What == "" || len(r.Answers) == 0 {
					t.Errorf("%s: the row is empty", where)
				}
				if rows[key] {
					t.Errorf("%s: there are two such rows", where)
				}
				rows[key] = true
				if r.Unasked == "" && !asked {
					t.Errorf("%s: no test asks it, and unasked does not say why", where)
				}
				a.checkNames(t, where, table, r)
				for _, sys := range a.systemsOf(table) {
					if r.Unasked == "" && r.answer(sys.System) == "" {
						t.Errorf("%s: there is no answer of %s; it may be %q", where, sys.System, notAsked)
					}
					if answer := r.answer(sys.System); asked && r.Unasked == "" && answer != notAsked && !test.systems[sys.System] {
						t.Errorf("%s: the test is not compiled on %s", where, sys.System)
					}
				}
			}
			delete(asking, table.Test)
		}
	}
	for test := range asking {
		t.Errorf("%s calls expect and has no table", test)
	}
}

// checkNames fails if the keys of a row have unknown or other systems.
func (a *atlas) checkNames(t *testing.T, where string, table *table, r *row) {
	seen := make(map[string]bool)
	of := a.systemsOf(table)
	check := func(name string) {
		name, _, _ = strings.Cut(name, "-")
		if !slices.ContainsFunc(of, func(s *system) bool { return s.System == name }) {
			t.Errorf("%s: %q is not one of the systems of the table", where, name)
		}
	}
	for key, answer := range r.Answers {
		if answer == "" {
			t.Errorf("%s: the answer of %s is empty", where, key)
		}
		for _, name := range strings.Fields(key) {
			check(name)
			if seen[name] {
				t.Errorf("%s: %s has two answers", where, name)
			}
			seen[name] = true
		}
	}
	for name := range r.Source {
		check(name)
	}
}

// A testInfo says where a test is.
type testInfo struct {
	section string
	systems map[string]bool // those that compile it
}

// readTests returns the tests in this directory, and which of them call expect.
func readTests(t *testing.T) (tests map[string]testInfo, asking map[string]bool) {
	t.Helper()
	tests, asking = make(map[string]testInfo), make(map[string]bool)
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	calls := make(map[string]map[string]bool) // of each function
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		info := testInfo{sectionOf(file), make(map[string]bool)}
		for _, s := range known().systems {
			context := build.Default
			context.GOOS = s.System
			if info.systems[s.System], err = context.MatchFile(".", file); err != nil {
				t.Fatal(err)
			}
		}
		for _, decl := range f.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil {
				continue
			}
			name := f.Name.Name
			if strings.HasPrefix(name, "Test") && name != "TestMain" {
				tests[name] = info
			}
			calls[name] = make(map[string]bool)
			ast.Inspect(f.Body, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if to, ok := call.Fun.(*ast.Ident); ok {
						calls[name][to.Name] = true
					}
				}
				return true
			})
		}
	}
	var asks func(name string, visited map[string]bool) bool
	asks = func(name string, visited map[string]bool) bool {
		if name == "expect" {
			return true
		}
		if visited[name] {
			return false
		}
		visited[name] = true
		for to := range calls[name] {
			if asks(to, visited) {
				return true
			}
		}
		return false
	}
	for test := range tests {
		if asks(test, make(map[string]bool)) {
			asking[test] = true
		}
	}
	return tests, asking
}

// sectionOf returns the section of a test file: pipes of pipes_test.go and
// pipes_freebsd_test.go.
func sectionOf(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), "_")
	return name
}

// A recorded is an answer that a test with KQUEUE_RECORD=1 printed behind
// recordMark.
type recorded struct {
	Section string `json:"section"`
	Test    string `json:"test"`
	What    string `json:"what"`
	System  string `json:"system"` // a name of row.Answers
	Got     string `json:"got"`
}

const recordMark = "record: "

// readRecords reads what tests have printed. The names are patterns, relative to
// this directory or to that of the module.
func readRecords(patterns []string) (list []recorded, err error) {
	for _, pattern := range patterns {
		var files []string
		for _, p := range []string{pattern, filepath.Join("..", pattern)} {
			if files, err = filepath.Glob(p); err != nil {
				return nil, err
			}
			if len(files) > 0 {
				break
			}
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("there is no file %s", pattern)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			for _, line := range strings.Split(string(text), "\n") {
				_, line, ok := strings.Cut(line, recordMark+"{")
				if !ok {
					continue
				}
				var r recorded
				if err := json.NewDecoder(strings.NewReader("{" + line)).Decode(&r); err != nil {
					return nil, fmt.Errorf("%s: %w in %q", file, err, line)
				}
				list = append(list, r)
			}
		}
	}
	return list, nil
}

// add adds recorded answers.
func (a *atlas) add(t *testing.T, files []string) error {
	list, err := readRecords(files)
	if err != nil {
		return err
	}
	var errs []error
	seen := make(map[recorded]string) // without Got
	for _, r := range list {
		key := r
		key.Got = ""
		if got, ok := seen[key]; ok && got != r.Got {
			errs = append(errs, fmt.Errorf("%s: %s: %s has answered both %q and %q", r.Test, r.What, r.System, got, r.Got))
			continue
		}
		seen[key] = r.Got
		name, _, _ := strings.Cut(r.System, "-")
		i := slices.IndexFunc(a.sections, func(s *section) bool { return s.name == r.Section })
		if i < 0 || !a.has(name, "") {
			errs = append(errs, fmt.Errorf("%s: there is no section %s or no system %s", r.Test, r.Section, r.System))
			continue
		}
		table, row := a.sections[i].row(r.Test, r.What)
		answers := row.apart()
		switch {
		case answers[r.System] == r.Got:
			continue
		case name == "darwin" && answers[name] == notAsked:
			t.Logf("%s: %s: macOS stays %s, got %q", r.Test, r.What, notAsked, r.Got)
			continue
		}
		t.Logf("%s: %s: %s: %q, was %q", r.Test, r.What, r.System, r.Got, cmp.Or(answers[r.System], answers[name]))
		answers[r.System] = r.Got
		a.settle(answers, name)
		for _, s := range a.systemsOf(table) {
			if answers[s.System] == "" {
				answers[s.System] = notAsked
			}
		}
		row.together(answers)
	}
	return errors.Join(errs...)
}

// row returns a row, which it makes if it does not exist.
func (s *section) row(test, what string) (*table, *row) {
	var of *table
	for _, t := range s.Tables {
		if t.Test != test {
			continue
		}
		of = t
		for _, r := range t.Rows {
			if r.What == what && r.Unasked == "" {
				return t, r
			}
		}
	}
	if of == nil {
		of = &table{Test: test}
		s.Tables = append(s.Tables, of)
	}
	r := &row{What: what}
	of.Rows = append(of.Rows, r)
	return of, r
}

// settle makes the answer that most file systems of a system give that of the
// system, so that only those of the others have a name of their own.
func (a *atlas) settle(answers map[string]string, name string) {
	i := slices.IndexFunc(a.systems, func(s *system) bool { return s.System == name })
	kinds := slices.Clone(a.systems[i].FileSystems)
	for key := range answers {
		if kind, ok := strings.CutPrefix(key, name+"-"); ok && !slices.Contains(kinds, kind) && !isRelease(kind) {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	given := make(map[string]int)
	most := answers[name]
	if most == notAsked {
		most = ""
	}
	if !slices.ContainsFunc(kinds, func(kind string) bool { return answers[name+"-"+kind] != "" }) {
		return
	}
	for _, kind := range kinds {
		if answer := cmp.Or(answers[name+"-"+kind], answers[name]); answer != "" && answer != notAsked {
			given[answer]++
		}
	}
	for _, kind := range kinds {
		if answer := answers[name+"-"+kind]; given[answer] > given[most] {
			most = answer
		}
	}
	old := answers[name]
	answers[name] = most
	for _, kind := range kinds {
		if old != "" && old != notAsked && answers[name+"-"+kind] == "" && a.has(name, kind) {
			answers[name+"-"+kind] = old
		}
		if answers[name+"-"+kind] == most {
			delete(answers, name+"-"+kind)
		}
	}
}

// isRelease reports whether a name behind a system's is that of a release.
func isRelease(s string) bool { return strings.Trim(s, "0123456789.") == "" }

// page returns README.md.
func (a *atlas) page(t *testing.T) []byte {
	t.Helper()
	funcs := template.FuncMap{
		"anchor":      anchor,
		"tableAnchor": a.tableAnchor,
		"columns":     a.systemsOf,
		"cell":        a.cell,
		"below":       a.below,
		"bites":       a.bites,
		"escape":      escape,
		"constants": func() string {
			text, err := constantTables(a.systems)
			if err != nil {
				t.Fatal(err)
			}
			return text
		},
	}
	text, err := template.New("readme.tmpl").Funcs(funcs).ParseFiles("readme.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := text.Execute(&b, map[string]any{"Systems": a.systems, "Sections": a.sections}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// anchor returns the fragment of a heading's address, as GitHub makes it.
func anchor(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case r == '-' || r == '_' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
			b.WriteRune(r)
		}
	}
	return b.String()
}

// tableAnchor returns the anchor of a table: its test, or its title if it has none or
// if an earlier table has the same test.
func (a *atlas) tableAnchor(of *table) string {
	for _, s := range a.sections {
		for _, t := range s.Tables {
			switch {
			case t == of && t.Test != "":
				return t.Test
			case t.Test == of.Test:
				return anchor(of.Title)
			}
		}
	}
	return anchor(of.Title)
}

// cell returns the answer of a system, and those of its releases and file systems
// that differ.
func (a *atlas) cell(r *row, s *system) string {
	lines := []string{literal(r.answer(s.System))}
	answers := r.apart()
	var names []string
	for name := range answers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if kind, ok := strings.CutPrefix(name, s.System+"-"); ok && answers[name] != notAsked {
			lines = append(lines, kind+": "+literal(answers[name]))
		}
	}
	return strings.Join(lines, "<br>")
}

// literal sets an answer as code if it has names of constants.
func literal(answer string) string {
	if strings.ToLower(answer) != answer {
		return "`" + escape(answer) + "`"
	}
	return answer
}

// escape makes text fit into a cell of a table.
func escape(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// below returns the lines below a table: who asks, and the sources.
func (a *atlas) below(t *table) string {
	var words []string
	if t.Test != "" {
		tests, _ := filepath.Glob("*_test.go")
		for _, file := range tests {
			text, _ := os.ReadFile(file)
			if bytes.Contains(text, []byte("\nfunc "+t.Test+"(")) {
				words = append(words, fmt.Sprintf("[%s](%s).", t.Test, file))
			}
		}
	}
	for _, s := range a.systems {
		var places []string
		for _, r := range t.Rows {
			if place := r.Source[s.System]; place != "" && !slices.Contains(places, place) {
				places = append(places, place)
			}
		}
		if places != nil {
			words = append(words, fmt.Sprintf("%s: %s.", s.Name, strings.Join(places, ", ")))
		}
	}
	for _, r := range t.Rows {
		if r.Unasked != "" {
			words = append(words, fmt.Sprintf("“%s” is not tested: %s.", r.What, strings.TrimSuffix(r.Unasked, ".")))
		}
	}
	return strings.Join(words, " ")
}

// A bite is what is likely to bite, and where it stands.
type bite struct{ Text, Title, Anchor string }

func (a *atlas) bites() (list []bite) {
	for _, s := range a.sections {
		for _, t := range s.Tables {
			add := func(text string) {
				if text != "" {
					list = append(list, bite{text, t.Title, a.tableAnchor(t)})
				}
			}
			add(t.Bites)
			for _, r := range t.Rows {
				add(r.Bites)
			}
		}
	}
	return list
}

// constantTables returns the tables of the page's second part.
func constantTables(systems []*system) (string, error) {
	rows, err := constants.Read("../testdata/constants.tsv")
	if err != nil {
		return "", err
	}
	type key struct{ group, name string }
	var groups []string
	names := make(map[string][]string)       // by group
	cells := make(map[key]map[string]string) // by system
	for _, c := range rows {
		k := key{c.Group, c.Name}
		if !slices.Contains(groups, c.Group) {
			groups = append(groups, c.Group)
		}
		if cells[k] == nil {
			cells[k] = make(map[string]string)
			names[c.Group] = append(names[c.Group], c.Name)
		}
		cells[k][c.System] = c.Text
		if c.Since != "" {
			cells[k][c.System] += " (" + c.Since + ")"
		}
	}
	var b strings.Builder
	for _, group := range groups {
		switch group {
		case "filter":
			b.WriteString("### Filters\n\n")
		case "flag":
			b.WriteString("### Flags\n\n")
		default:
			fmt.Fprintf(&b, "### Notes of EVFILT_%s\n\n", strings.Join(constants.Filters(group), " and EVFILT_"))
		}
		b.WriteString("| constant | in Go |")
		for _, s := range systems {
			fmt.Fprintf(&b, " %s |", s.Name)
		}
		b.WriteString("\n| --- | --- |" + strings.Repeat(" --- |", len(systems)) + "\n")
		for _, name := range names[group] {
			fmt.Fprintf(&b, "| %s | %s |", name, constants.GoName(name))
			for _, s := range systems {
				fmt.Fprintf(&b, " %s |", cells[key{group, name}][s.System])
			}
			b.WriteString("\n")
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n"), nil
}

// The links of the package's comments and files to the page lead somewhere.
func TestLinks(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Skip("the sources are not here:", err)
	}
	anchors := make(map[string]bool)
	add := func(anchor string) {
		if anchors[anchor] {
			t.Errorf("the page has two #%s", anchor)
		}
		anchors[anchor] = true
	}
	for _, line := range strings.Split(string(page), "\n") {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			add(anchor(title))
		}
		for _, m := range regexp.MustCompile(`<a id="([^"]*)">`).FindAllStringSubmatch(line, -1) {
			add(m[1])
		}
	}
	check := func(file, link string) {
		if !anchors[link] {
			t.Errorf("%s: the page has no #%s", file, link)
		}
	}
	for _, m := range regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(string(page), -1) {
		check("README.md", m[1])
	}
	for _, pattern := range []string{"../*.go", "../*.md"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`kernels/README\.md#([-\w]*)`).FindAllStringSubmatch(string(text), -1) {
				check(file, m[1])
			}
		}
	}
}
