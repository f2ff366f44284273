#!/bin/sh
# Puts what package-lock.json names into node_modules/, unless it is there.
set -e
cd "$(dirname "$0")"
cmp -s package-lock.json node_modules/package-lock.json && exit
npm ci --no-audit --no-fund --loglevel error
cp package-lock.json node_modules/
