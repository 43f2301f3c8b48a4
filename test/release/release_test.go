// Package release looks into a release that `task test:release` has built. Without one its tests are skipped.
package release

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// releaseFolder returns the folder of the release.
func releaseFolder(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("HOOKLINE_TEST_RELEASE")
	if dir == "" {
		t.Skip("no release was built; task test:release builds one")
	}
	return dir
}

// platforms returns the platforms of the release: all, or the one of $HOOKLINE_RELEASE_ONE.
func platforms() []string {
	if os.Getenv("HOOKLINE_RELEASE_ONE") != "" {
		return []string{"linux_amd64"}
	}
	return []string{"linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64"}
}

// one returns the only file that a pattern matches below the release.
func one(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(releaseFolder(t), pattern))
	if err != nil || len(files) != 1 {
		t.Fatalf("%s matches %v, %v; want one file", pattern, files, err)
	}
	return files[0]
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// unpacked returns the folder with the files of the archive for a platform, and the version in its name.
func unpacked(t *testing.T, platform string) (dir, version string) {
	t.Helper()
	archive := one(t, "hookline_*_"+platform+".tar.gz")
	dir = t.TempDir()
	output(t, "tar", "-xzf", archive, "-C", dir)
	version = strings.TrimSuffix(strings.TrimPrefix(filepath.Base(archive), "hookline_"), "_"+platform+".tar.gz")
	return filepath.Join(dir, "hookline_"+version+"_"+platform), version
}

func TestBinarySaysVersionCommitAndDate(t *testing.T) {
	t.Parallel()
	platform := runtime.GOOS + "_" + runtime.GOARCH
	if !slices.Contains(platforms(), platform) {
		t.Skip("no release for " + platform)
	}
	dir, version := unpacked(t, platform)
	var said struct{ Version, Commit, Date string }
	if err := json.Unmarshal([]byte(output(t, filepath.Join(dir, "hookline"), "version", "--json")), &said); err != nil {
		t.Fatal(err)
	}
	commit := strings.TrimSpace(output(t, "git", "rev-parse", "HEAD"))
	if said.Version != version || said.Commit != commit || said.Date == "" {
		t.Errorf("version says %+v; want %s of %s", said, version, commit)
	}
}

func TestLinuxBinariesAreStatic(t *testing.T) {
	t.Parallel()
	machines := map[string]elf.Machine{"linux_amd64": elf.EM_X86_64, "linux_arm64": elf.EM_AARCH64}
	for _, platform := range platforms() {
		machine, ok := machines[platform]
		if !ok {
			continue
		}
		dir, _ := unpacked(t, platform)
		f, err := elf.Open(filepath.Join(dir, "hookline"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if f.Machine != machine {
			t.Errorf("%s: built for %v", platform, f.Machine)
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
				t.Errorf("%s: needs a dynamic loader (%v)", platform, p.Type)
			}
		}
	}
}

func TestArchivesAreComplete(t *testing.T) {
	t.Parallel()
	for _, platform := range platforms() {
		dir, _ := unpacked(t, platform)
		for _, name := range []string{
			"hookline", "LICENSE", "README.md", "CHANGELOG.md", "hookline.sample.yml", "systemd/hookline.service", "systemd/credentials.conf",
			"man/hookline.1", "man/hookline-audit.1", "completions/hookline.bash", "completions/hookline.zsh", "completions/hookline.fish",
		} {
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
				t.Errorf("%s: %s: empty or missing (%v)", platform, name, err)
			}
		}
	}
}

func TestChecksumsMatchEveryFile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(one(t, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for l := range strings.Lines(string(text)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(l), "  ")
		named = append(named, name)
		data, err := os.ReadFile(filepath.Join(releaseFolder(t), name))
		if err != nil {
			t.Error(err)
			continue
		}
		if got := sha256.Sum256(data); hex.EncodeToString(got[:]) != sum {
			t.Errorf("%s: the checksum differs", name)
		}
	}
	kinds := map[string]int{}
	for _, name := range named {
		kinds[name[strings.LastIndex(name, ".")+1:]]++
	}
	want := map[string]int{"gz": len(platforms()), "json": len(platforms()), "deb": 0, "rpm": 0}
	for _, platform := range platforms() {
		if strings.HasPrefix(platform, "linux_") {
			want["deb"]++
			want["rpm"]++
		}
	}
	if !maps.Equal(kinds, want) {
		t.Errorf("checksums of %v, want %v: %v", kinds, want, named)
	}
}

func TestSBOMNamesTheModules(t *testing.T) {
	t.Parallel()
	for _, platform := range platforms() {
		data, err := os.ReadFile(one(t, "hookline_*_"+platform+".cdx.json"))
		if err != nil {
			t.Fatal(err)
		}
		var bom struct {
			BOMFormat  string
			Components []struct{ Name, Version string }
		}
		if err := json.Unmarshal(data, &bom); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range bom.Components {
			names = append(names, c.Name)
		}
		for _, name := range []string{"github.com/rabbitmq/amqp091-go", "modernc.org/sqlite"} {
			if bom.BOMFormat != "CycloneDX" || !slices.Contains(names, name) {
				t.Errorf("%s: a %s without %s: %v", platform, bom.BOMFormat, name, names)
			}
		}
	}
}

// packaged lists the files of both kinds of package.
func packaged(man string) []string {
	return []string{
		"/usr/bin/hookline", "/usr/lib/systemd/system/hookline.service", "/etc/hookline/hookline.env", "/etc/hookline/hookline.sample.yml",
		"/usr/share/man/man1/hookline.1.gz", "/usr/share/man/man1/" + man, "/usr/share/bash-completion/completions/hookline",
		"/usr/share/fish/vendor_completions.d/hookline.fish", "/usr/share/doc/hookline/credentials.conf",
	}
}

func TestDebInstallsTheService(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("needs dpkg-deb")
	}
	deb := one(t, "hookline_*_amd64.deb")
	root := t.TempDir()
	output(t, "dpkg-deb", "-x", deb, root)
	for _, name := range append(packaged("hookline-audit.1.gz"), "/usr/share/doc/hookline/copyright", "/usr/share/zsh/vendor-completions/_hookline") {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Error(err)
		}
	}
	control := t.TempDir()
	output(t, "dpkg-deb", "-e", deb, control)
	conffiles, err := os.ReadFile(filepath.Join(control, "conffiles"))
	if err != nil || strings.TrimSpace(string(conffiles)) != "/etc/hookline/hookline.env\n/etc/hookline/hookline.sample.yml" {
		t.Errorf("conffiles: %q, %v", conffiles, err)
	}
	if info, err := os.Stat(filepath.Join(root, "etc/hookline/hookline.env")); err != nil || info.Mode() != 0o600 {
		t.Errorf("hookline.env may hold secrets: %v, %v", info.Mode(), err)
	}
	noSecrets(t, filepath.Join(root, "etc"))
	verifyUnit(t, root)
}

// noSecrets checks that no file sets anything that looks like a secret: samples have ${NAME} or comments.
func noSecrets(t *testing.T, dir string) {
	t.Helper()
	long := regexp.MustCompile(`[0-9a-zA-Z+/=]{32,}`)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err == nil && long.Match(data) {
			t.Errorf("%s: %s looks like a secret", name, long.Find(data))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// verifyUnit lets systemd check the unit beside the binary that it starts.
func verifyUnit(t *testing.T, root string) {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Log("the unit was not verified: no systemd-analyze")
		return
	}
	unit, err := os.ReadFile(filepath.Join(root, "usr/lib/systemd/system/hookline.service"))
	if err != nil || !strings.Contains(string(unit), "\nDynamicUser=yes\n") {
		t.Fatalf("the unit has no user of its own: %v", err)
	}
	// In a folder of its own with the absolute path of the unpacked binary: systemd would look for it in the real /usr/bin.
	name := filepath.Join(t.TempDir(), "hookline.service")
	text := strings.Replace(string(unit), "ExecStart=hookline", "ExecStart="+filepath.Join(root, "usr/bin/hookline"), 1)
	if text == string(unit) {
		t.Error("ExecStart is not hookline by its name alone, which systemd finds in /usr/local/bin and /usr/bin")
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := output(t, "systemd-analyze", "verify", "--man=no", name); strings.Contains(out, "hookline.service:") {
		t.Errorf("systemd-analyze verify: %s", out)
	}
}

func TestRPMHasTheSameFiles(t *testing.T) {
	t.Parallel()
	rpms := map[string]string{"linux_amd64": "x86_64", "linux_arm64": "aarch64"}
	for _, platform := range platforms() {
		arch, ok := rpms[platform]
		if !ok {
			continue
		}
		name, files, err := readRPM(one(t, "hookline-*."+arch+".rpm"))
		if err != nil || name != "hookline" {
			t.Fatalf("%s: %q, %v", arch, name, err)
		}
		for _, path := range append(packaged("hookline-audit.1.gz"), "/usr/share/licenses/hookline/LICENSE", "/usr/share/zsh/site-functions/_hookline") {
			f, ok := files[path]
			if !ok {
				t.Errorf("%s: %s is missing", arch, path)
			}
			if inEtc := strings.HasPrefix(path, "/etc/"); f.config != inEtc {
				t.Errorf("%s: %s: a configuration file: %t", arch, path, f.config)
			}
		}
		if mode := files["/etc/hookline/hookline.env"].mode & 0o777; mode != 0o600 {
			t.Errorf("%s: hookline.env may hold secrets: %o", arch, mode)
		}
	}
}

// TestBinaryIsReproducible builds the commit again in another folder and compares.
func TestBinaryIsReproducible(t *testing.T) {
	t.Parallel()
	if output(t, "git", "status", "--porcelain") != "" {
		t.Skip("files differ from the commit")
	}
	dir, version := unpacked(t, "linux_amd64")
	clone := filepath.Join(t.TempDir(), "clone")
	output(t, "git", "clone", "--quiet", "--shared", strings.TrimSpace(output(t, "git", "rev-parse", "--show-toplevel")), clone)
	output(t, "git", "-C", clone, "checkout", "--quiet", strings.TrimSpace(output(t, "git", "rev-parse", "HEAD")))
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=true", "-ldflags", "-s -w -X main.version="+version, "-o", "hookline", "./cmd/hookline")
	build.Dir = clone
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	first, err := os.ReadFile(filepath.Join(dir, "hookline"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(filepath.Join(clone, "hookline"))
	if err != nil {
		t.Fatal(err)
	}
	if sha256.Sum256(first) != sha256.Sum256(again) {
		t.Error("two builds of one commit differ")
	}
}
