package kqueue

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/api")

// loadFor returns the types of this package and of x/sys/unix on another system.
// unix is nil if the package does not use x/sys/unix there.
func loadFor(t *testing.T, system string) (kqueue, unix *types.Package) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command:", err)
	}
	const unixPath = "golang.org/x/sys/unix"
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export", ".")
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			t.Fatalf("%v: %s", cmd, failed.Stderr)
		}
		t.Fatal(err)
	}
	exports := make(map[string]string)
	for list := json.NewDecoder(strings.NewReader(string(out))); list.More(); {
		var p struct{ ImportPath, Export string }
		if err := list.Decode(&p); err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
	}
	imp := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	kqueue, err = imp.Import("github.com/go-kqueue/kqueue")
	if err != nil {
		t.Fatal(err)
	}
	if exports[unixPath] != "" {
		if unix, err = imp.Import(unixPath); err != nil {
			t.Fatal(err)
		}
	}
	return kqueue, unix
}

// goName returns this package's name for a constant of sys/event.h: each word of
// the C name is capitalized, and initialisms are in capitals.
func goName(name string) string {
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

// On every system, the package exports the constants of the table and no others,
// with the same values, and x/sys has the same values for those that it has.
func TestConstants(t *testing.T) {
	table := readConstants(t)
	for system := range allNames {
		t.Run(system, func(t *testing.T) {
			pkg, unix := loadFor(t, system)
			want := map[string]int64{"NoteExitStatus": 0} // unless the table has a number for it
			for _, c := range table {
				if c.system != system {
					continue
				}
				want[goName(c.name)] = c.value
				raw, ok := unix.Scope().Lookup(c.name).(*types.Const)
				if !ok {
					continue
				}
				if v, _ := constant.Int64Val(constant.ToInt(raw.Val())); uint32(v) != uint32(c.value) {
					t.Errorf("%s is %#x in the table, %#x in x/sys", c.name, c.value, v)
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
			pkg, _ := loadFor(t, system)
			got := apiOf(pkg)
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
