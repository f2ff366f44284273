#!/usr/bin/env bash
# A Chromium for the tests of pages, from Debian's packages where there is none. Without it those tests are skipped,
# so that a machine that cannot have one fails this step and no other.
set -euo pipefail

for one in "${CHROMIUM:-}" /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome; do
  if [[ -n $one && -x $one ]]; then exit 0; fi
done
command -v apt-get >/dev/null || {
  echo 'Chromium must be installed; there is no apt-get here to do it with.' >&2
  exit 1
}
as_root=()
if ((EUID != 0)); then
  as_root=(sudo -n)
  sudo -n true 2>/dev/null || {
    echo 'Chromium must be installed, which needs root: apt-get install chromium' >&2
    exit 1
  }
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt=(${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive
  apt-get -q -y -o DPkg::Lock::Timeout=300)
echo 'Installing chromium'
"${apt[@]}" update >"$log" 2>&1 || true # one source that fails need not be the one we want
"${apt[@]}" install --no-install-recommends chromium >>"$log" 2>&1 || {
  tail -n 20 "$log" >&2
  echo 'apt-get could not install chromium.' >&2
  exit 1
}
