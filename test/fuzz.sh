#!/usr/bin/env bash
# Runs every fuzz test of the repository for the given time each.
set -euo pipefail
time=${1:?"usage: test/fuzz.sh 10s"}
grep -rlE '^func Fuzz' --include='*_test.go' . | while read -r file; do
  grep -oE '^func Fuzz[A-Za-z0-9_]+' "$file" | while read -r _ name; do
    echo "== $(dirname "$file") $name"
    go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$(dirname "$file")"
  done
done
