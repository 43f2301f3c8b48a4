#!/usr/bin/env bash
# Makes the files that a release packs beside the binaries: man pages, shell completions, and the program that lists a
# binary's modules.
set -euo pipefail
cd "$(dirname "$0")/../.."
export SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) # of the man pages
out=bin/packaging
rm -rf "$out"
mkdir -p "$out/man.gz" "$out/completions"
go run ./docs/generate man "$out/man"
for page in "$out"/man/*.1; do gzip -9 -n <"$page" >"$out/man.gz/$(basename "$page").gz"; done
for shell in bash zsh fish; do go run ./cmd/hookline completion "$shell" >"$out/completions/hookline.$shell"; done
GOBIN="$PWD/bin" go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
