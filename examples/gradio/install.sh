#!/bin/sh
# Puts what requirements.txt names into lib/, unless it is there.
set -e
cd "$(dirname "$0")"
cmp -s requirements.txt lib/requirements.txt && exit
rm -rf lib
python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --root-user-action ignore \
  --no-compile --target lib -r requirements.txt
cp requirements.txt lib/
