#!/bin/sh
# Installs what is needed into the folder, and deploys it. Options go to `millrace deploy`.
set -e
cd "$(dirname "$0")"
./install.sh
exec npx millrace deploy . \
  --command 'PYTHONPATH=lib exec python3 -m uvicorn main:app --host "$HOST" --port "$PORT"' "$@"
