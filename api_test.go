package kqueue

import (
	"flag"
	"fmt"
	"go/ast"
	"go/build"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-kqueue/kqueue/internal/constants"
)

var update = flag.Bool("update", false, "rewrite testdata/api")

// A port is the package on one system and architecture, and x/sys/unix there.
type port struct{ kqueue, unix *types.Package }

// portNames are all ports, but those of iOS, whose files are those of macOS.
var portNames = []string{
	"darwin/amd64", "darwin/arm64", "dragonfly/amd64", "linux/amd64",
	"freebsd/386", "freebsd/amd64", "freebsd/arm", "freebsd/arm64", "freebsd/riscv64",
	"netbsd/386", "netbsd/amd64", "netbsd/arm", "netbsd/arm64",
	"openbsd/386", "openbsd/amd64", "openbsd/arm", "openbsd/arm64", "openbsd/ppc64", "openbsd/riscv64",
}

// loadPorts type-checks the package and x/sys/unix for each port from their
// sources. The standard library is that of the host. To compile it for each system
// takes longer than all other tests, and what the package uses of it is the same.
var loadPorts = sync.OnceValues(func() (map[string]port, error) {
	const unixPath = "golang.org/x/sys/unix"
	list, err := exec.Command("go", "list", "-e", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Dir}}\t{{.Export}}", ".", unixPath).Output()
	if err != nil {
		return nil, err
	}
	dirs, exports := make(map[string]string), make(map[string]string)
	for _, line := range strings.Split(strings.TrimSpace(string(list)), "\n") {
		fields := strings.Split(line, "\t")
		dirs[fields[0]], exports[fields[0]] = fields[1], fields[2]
	}
	fset := token.NewFileSet()
	standard := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})

	check := func(name, path, dir string, config types.Config) (*types.Package, error) {
		context := build.Default
		context.GOOS, context.GOARCH, _ = strings.Cut(name, "/")
		context.CgoEnabled = false
		sources, err := context.ImportDir(dir, 0)
		if err != nil {
			return nil, err
		}
		var files []*ast.File
		for _, file := range sources.GoFiles {
			f, err := parser.ParseFile(fset, filepath.Join(dir, file), nil, parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			files = append(files, f)
		}
		config.Sizes = types.SizesFor("gc", context.GOARCH)
		if runtime.GOOS == "windows" {
			config.Error = func(error) {} // its package syscall is another one
		}
		pkg, err := config.Check(path, fset, files, nil)
		if err != nil && config.Error == nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return pkg, nil
	}
	ports := make(map[string]port)
	for _, name := range portNames {
		unix, err := check(name, unixPath, dirs[unixPath], types.Config{Importer: standard, IgnoreFuncBodies: true})
		if err != nil {
			return nil, err
		}
		kqueue, err := check(name, "kqueue", ".", types.Config{Importer: importerFunc(func(path string) (*types.Package, error) {
			if path == unixPath {
				return unix, nil
			}
			return standard.Import(path)
		})})
		if err != nil {
			return nil, err
		}
		ports[name] = port{kqueue, unix}
	}
	return ports, nil
})

type importerFunc func(path string) (*types.Package, error)

func (f importerFunc) Import(path string) (*types.Package, error) { return f(path) }

// loadPort returns a port of loadPorts.
func loadPort(t *testing.T, name string) port {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command:", err)
	}
	if _, err := os.Stat("go.mod"); err != nil {
		t.Skip("the package's source is not here:", err)
	}
	ports, err := loadPorts()
	if err != nil {
		t.Fatal(err)
	}
	return ports[name]
}

// The package is valid on every port, which every host can tell.
func TestPorts(t *testing.T) {
	for _, name := range portNames {
		port := loadPort(t, name)
		system, arch, _ := strings.Cut(name, "/")
		if system == "linux" {
			continue // x/sys has no struct kevent there
		}
		event, kevent := fieldSizes(arch, port.kqueue, "Event"), fieldSizes(arch, port.unix, "Kevent_t")
		for _, field := range []string{"Ident", "Filter", "Flags", "Fflags", "Data", "Udata"} {
			// sys_bsd.go compares their offsets.
			if event[field] != kevent[field] || event[field] == 0 {
				t.Errorf("%s: %s has %d bytes, %d in x/sys", name, field, event[field], kevent[field])
			}
		}
	}
}

// fieldSizes returns the sizes of the fields of a struct on an architecture.
func fieldSizes(arch string, pkg *types.Package, name string) map[string]int64 {
	sizes := make(map[string]int64)
	fields := pkg.Scope().Lookup(name).Type().Underlying().(*types.Struct)
	for i := range fields.NumFields() {
		f := fields.Field(i)
		sizes[f.Name()] = types.SizesFor("gc", arch).Sizeof(f.Type())
	}
	return sizes
}

// On every system, the package exports the constants of the table and no others,
// with the same values, and x/sys has the same values for those that it has.
func TestConstants(t *testing.T) {
	table := readConstants(t)
	for system := range allNames {
		t.Run(system, func(t *testing.T) {
			port := loadPort(t, system+"/amd64")
			pkg, unix := port.kqueue, port.unix
			known := 0
			want := map[string]int64{"NoteExitStatus": 0} // unless the table has a number for it
			for _, c := range table {
				if c.System != system {
					continue
				}
				want[constants.GoName(c.Name)] = c.Value
				raw, ok := unix.Scope().Lookup(c.Name).(*types.Const)
				if !ok {
					continue
				}
				known++
				if v, _ := constant.Int64Val(constant.ToInt(raw.Val())); uint32(v) != uint32(c.Value) {
					t.Errorf("%s is %#x in the table, %#x in x/sys", c.Name, c.Value, v)
				}
			}
			for _, name := range pkg.Scope().Names() {
				c, ok := pkg.Scope().Lookup(name).(*types.Const)
				if !ok || !c.Exported() || c.Name() == "Forever" {
					continue
				}
				value, _ := constant.Int64Val(c.Val())
				wanted, ok := want[name]
				if !ok {
					t.Errorf("%s is exported but is not in the table", name)
				} else if value != wanted {
					t.Errorf("%s is %#x, want %#x", name, value, wanted)
				}
				for _, kind := range []string{"Filter", "Flag", "Note"} {
					if strings.HasPrefix(name, kind) && c.Type().String() != pkg.Path()+"."+kind {
						t.Errorf("%s is a %s", name, c.Type())
					}
				}
				delete(want, name)
			}
			for name := range want {
				t.Errorf("%s is missing", name)
			}
			if known < 25 {
				t.Errorf("only %d constants were found in x/sys", known)
			}
		})
	}
}

// The exported API changes only on purpose: with go test -run TestAPI -update.
func TestAPI(t *testing.T) {
	systems := []string{"linux"}
	for system := range allNames {
		systems = append(systems, system)
	}
	for _, system := range systems {
		t.Run(system, func(t *testing.T) {
			got := apiOf(loadPort(t, system+"/amd64").kqueue)
			file := filepath.Join("testdata", "api", system+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got == string(want) {
				return
			}
			gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
			for _, line := range wantLines {
				if !slices.Contains(gotLines, line) {
					t.Errorf("gone: %s", line)
				}
			}
			for _, line := range gotLines {
				if !slices.Contains(wantLines, line) {
					t.Errorf("new:  %s", line)
				}
			}
		})
	}
}

// apiOf returns the exported API, one line for each identifier.
func apiOf(pkg *types.Package) string {
	var lines []string
	qualifier := types.RelativeTo(pkg)
	for _, name := range pkg.Scope().Names() {
		obj := pkg.Scope().Lookup(name)
		if !obj.Exported() {
			continue
		}
		switch obj := obj.(type) {
		case *types.Const:
			lines = append(lines, fmt.Sprintf("const %s %s = %s", name, types.TypeString(obj.Type(), qualifier), obj.Val().ExactString()))
		case *types.TypeName:
			named := obj.Type().(*types.Named)
			if s, ok := named.Underlying().(*types.Struct); ok {
				lines = append(lines, "type "+name+" struct")
				for i := range s.NumFields() {
					if f := s.Field(i); f.Exported() {
						lines = append(lines, fmt.Sprintf("field %s.%s %s", name, f.Name(), types.TypeString(f.Type(), qualifier)))
					}
				}
			} else {
				lines = append(lines, fmt.Sprintf("type %s %s", name, named.Underlying()))
			}
			for i := range named.NumMethods() {
				if m := named.Method(i); m.Exported() {
					lines = append(lines, types.ObjectString(m, qualifier))
				}
			}
		default:
			lines = append(lines, types.ObjectString(obj, qualifier))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

func TestEverythingExportedIsDocumented(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Skip("the package's source is not here:", err)
	}
	checked := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		check := func(name *ast.Ident, docs ...*ast.CommentGroup) {
			if !name.IsExported() {
				return
			}
			checked++
			for _, doc := range docs {
				if doc.Text() != "" {
					return
				}
			}
			t.Errorf("%s: %s has no comment", fset.Position(name.Pos()), name.Name)
		}
		for _, decl := range f.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				check(decl.Name, decl.Doc)
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					switch spec := spec.(type) {
					case *ast.ValueSpec:
						for _, name := range spec.Names {
							if decl.Lparen.IsValid() {
								check(name, spec.Doc)
							} else {
								check(name, decl.Doc)
							}
						}
					case *ast.TypeSpec:
						check(spec.Name, spec.Doc, decl.Doc)
						if s, ok := spec.Type.(*ast.StructType); ok && spec.Name.IsExported() {
							for _, field := range s.Fields.List {
								for _, name := range field.Names {
									check(name, field.Doc, field.Comment)
								}
							}
						}
					}
				}
			}
		}
	}
	if checked < 150 {
		t.Errorf("only %d identifiers were found", checked)
	}
}

// Event is declared once for each of its layouts, with the same comments.
func TestEventIsDocumentedAlike(t *testing.T) {
	const ext = "On FreeBSD it has one more field, Ext [4]uint64."
	// comments returns the comment of Event and those of its fields, by name.
	comments := func(file string) map[string]string {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Skip("the package's source is not here:", err)
		}
		texts := make(map[string]string)
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GenDecl:
				for _, spec := range n.Specs {
					if spec, ok := spec.(*ast.TypeSpec); ok && spec.Name.Name == "Event" {
						texts["Event"] = n.Doc.Text()
					}
				}
			case *ast.Field:
				for _, name := range n.Names {
					texts[name.Name] = n.Doc.Text()
				}
			}
			return true
		})
		words := strings.Join(strings.Fields(texts["Event"]), " ")
		texts["Event"] = strings.Join(strings.Fields(strings.Replace(words, ext, "", 1)), " ")
		delete(texts, "Ext")
		delete(texts, "_")
		delete(texts, "e")
		delete(texts, "b")
		return texts
	}
	want := comments("layout.go")
	if len(want) != 7 || want["Event"] == "" {
		t.Fatalf("layout.go has only %d comments: %v", len(want), want)
	}
	for _, file := range []string{"layout_arm.go", "layout_freebsd.go"} {
		got := comments(file)
		for name, text := range want {
			if got[name] != text {
				t.Errorf("%s: the comment of %s is\n%s\nthat of layout.go is\n%s", file, name, got[name], text)
			}
		}
	}
}
