#!/usr/bin/env bash
# Brings docker-compose.yml up with four workers and looks at it from outside. Needs Docker with Compose, and root.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec go test -tags compose -count=1 -v -timeout 15m ./test/compose "$@"
