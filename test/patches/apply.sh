#!/usr/bin/env bash
# Applies a patch to a copy of what is committed, and tries there what a contributor would: to generate, to check
# types, and to run the tests that the patch names in the line `Tests:` above its first file.
# test/patches/apply.sh <patch>
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
patch=$(realpath "$1")
read -ra tests < <(sed -n 's/^Tests: //p;/^diff /q' "$patch")
((${#tests[@]} > 0)) || { echo "$1 names no tests"; exit 1; }

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git -C "$root" archive HEAD | tar -x -C "$copy"
ln -s "$root/node_modules" "$copy/node_modules"
cd "$copy"
git apply "$patch"
npm run --silent generate
npx tsc --noEmit
npx vitest run --config test/vitest.config.ts "${tests[@]}"
