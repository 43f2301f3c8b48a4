#!/usr/bin/env bash
# Prints the section of CHANGELOG.md for a tag: notes.sh v0.1.0
set -euo pipefail
version=${1:?"usage: notes.sh vVERSION"}
notes=$(awk -v heading="## ${version#v} " 'index($0 " ", heading) == 1 { found = 1; next } /^## / { found = 0 } found' "$(dirname "$0")/../../CHANGELOG.md")
[ -n "$notes" ] || { echo "notes.sh: CHANGELOG.md has no section for $version" >&2; exit 1; }
printf '%s\n' "$notes"
