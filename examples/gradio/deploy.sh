#!/bin/sh
# Installs what is needed into the folder, and deploys it. Options go to `millrace deploy`.
set -e
cd "$(dirname "$0")"
./install.sh
exec npx millrace deploy . --env GRADIO_ANALYTICS_ENABLED=False \
  --command 'PYTHONPATH=lib GRADIO_SERVER_NAME="$HOST" GRADIO_SERVER_PORT="$PORT" exec python3 main.py' "$@"
