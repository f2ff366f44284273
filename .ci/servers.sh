#!/usr/bin/env bash
# Sourced: starts a PostgreSQL and a Redis of our own and exports TEST_DATABASE_URL and
# TEST_REDIS_URL. Both listen on a free port of the loopback alone, keep their data in one temporary
# folder, and are ended by `stop_servers` (for a trap on EXIT), which knows them by their process ids:
# servers of the system are never touched. What is missing is installed from Debian's packages.
# Where a server cannot be had, sourcing fails with one sentence, and nothing is left running. Run as a program it
# only installs what is missing.

servers_dir=''
servers_pids=()
servers_postgres=() # the command that becomes the user postgres, where we are root

stop_servers() {
  local pid running tries
  for pid in ${servers_pids[@]+"${servers_pids[@]}"}; do
    running=" $(jobs -rp | tr '\n' ' ')" # only a child of this shell still has the id we remember
    [[ $running == *" $pid "* ]] || continue
    kill -INT "$pid" 2>/dev/null || true # PostgreSQL: end sessions, then stop; Redis: stop
    for ((tries = 0; tries < 200; tries++)); do
      if kill -0 "$pid" 2>/dev/null; then sleep 0.1; else break; fi
    done
    if ((tries == 200)); then kill -KILL "$pid" 2>/dev/null || true; fi
    wait "$pid" 2>/dev/null || true
  done
  servers_pids=()
  if [[ -n $servers_dir ]]; then rm -rf "$servers_dir"; fi
  servers_dir=''
  unset TEST_DATABASE_URL TEST_REDIS_URL
}

servers_fail() {
  echo "Test servers: $1" >&2
  return 1
}

# Shows why, then says what.
servers_fail_with_log() {
  if [[ -s $1 ]]; then tail -n 20 "$1" >&2; fi
  servers_fail "$2"
}

# The newest folder that has PostgreSQL's server programs; Debian keeps them out of PATH.
servers_postgres_bin() {
  local bin newest=''
  for bin in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V); do
    if [[ -x $bin/postgres && -x $bin/initdb && -x $bin/createdb ]]; then newest=$bin; fi
  done
  if [[ -z $newest ]] && command -v postgres initdb createdb >/dev/null; then
    newest=$(dirname "$(command -v postgres)")
  fi
  echo "$newest"
}

servers_install() {
  local missing=() as_root=() policy=/usr/sbin/policy-rc.d log=$servers_dir/apt.log failed=''
  if [[ -z $(servers_postgres_bin) ]]; then missing+=(postgresql); fi
  if ! command -v redis-server >/dev/null; then missing+=(redis-server); fi
  if ((${#missing[@]} == 0)); then return 0; fi
  command -v apt-get >/dev/null || {
    servers_fail "${missing[*]} must be installed; there is no apt-get here to do it with."
    return 1
  }
  if ((EUID != 0)); then
    as_root=(sudo -n)
    sudo -n true 2>/dev/null || {
      servers_fail "${missing[*]} must be installed, which needs root: apt-get install ${missing[*]}"
      return 1
    }
  fi
  echo "Test servers: installing ${missing[*]}"
  # Debian starts what it installs, unless a policy says no
  if [[ -e $policy ]]; then policy=''; else
    printf '#!/bin/sh\nexit 101\n' | ${as_root[@]+"${as_root[@]}"} tee "$policy" >/dev/null
    ${as_root[@]+"${as_root[@]}"} chmod +x "$policy"
  fi
  local apt=(${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive
    apt-get -q -y -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update >"$log" 2>&1 || true # one source that fails need not be the one we want
  "${apt[@]}" install --no-install-recommends "${missing[@]}" >>"$log" 2>&1 || failed=yes
  if [[ -n $policy ]]; then ${as_root[@]+"${as_root[@]}"} rm -f "$policy"; fi
  if [[ -n $failed ]]; then
    servers_fail_with_log "$log" "apt-get could not install ${missing[*]}."
  fi
}

servers_free_port() {
  node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => {
    console.log(s.address().port)
    s.close()
  })'
}

# Waits until `file` has a line that matches, for as long as the process lives and 60 s at most.
servers_await() {
  local pid=$1 file=$2 pattern=$3 tries
  for ((tries = 0; tries < 600; tries++)); do
    if grep -Eqs "$pattern" "$file"; then return 0; fi
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.1
  done
  return 1
}

servers_start_postgres() {
  local bin data=$servers_dir/postgres log=$servers_dir/postgres.log port tries pid
  bin=$(servers_postgres_bin)
  [[ -n $bin ]] || {
    servers_fail 'PostgreSQL is installed, but its programs are not found.'
    return 1
  }
  # durability is for data that somebody wants back
  local options=(-c max_connections=300 -c listen_addresses=127.0.0.1 -c unix_socket_directories=
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off)
  (cd / && ${servers_postgres[@]+"${servers_postgres[@]}"} "$bin/initdb" -D "$data" -U millrace \
    --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync) >"$log" 2>&1 || {
    servers_fail_with_log "$log" 'PostgreSQL could not make its data folder.'
    return 1
  }
  for tries in 1 2 3; do # somebody may take the free port before we do
    port=$(servers_free_port) || break
    (cd / && exec ${servers_postgres[@]+"${servers_postgres[@]}"} "$bin/postgres" -D "$data" \
      -p "$port" "${options[@]}") >>"$log" 2>&1 </dev/null &
    pid=$!
    servers_pids+=("$pid")
    if servers_await "$pid" "$data/postmaster.pid" '^ready'; then
      "$bin/createdb" -h 127.0.0.1 -p "$port" -U millrace millrace >>"$log" 2>&1 || break
      export TEST_DATABASE_URL="postgres://millrace@127.0.0.1:$port/millrace"
      return 0
    fi
  done
  servers_fail_with_log "$log" 'PostgreSQL did not start.'
}

servers_start_redis() {
  local log=$servers_dir/redis.log port tries pid
  for tries in 1 2 3; do
    port=$(servers_free_port) || break
    (cd / && exec redis-server --port "$port" --bind 127.0.0.1 --dir "$servers_dir" --save '' \
      --appendonly no --daemonize no) >"$log" 2>&1 </dev/null &
    pid=$!
    servers_pids+=("$pid")
    if servers_await "$pid" "$log" 'Ready to accept connections'; then
      export TEST_REDIS_URL="redis://127.0.0.1:$port"
      return 0
    fi
  done
  servers_fail_with_log "$log" 'Redis did not start.'
}

servers_start() {
  servers_dir=$(mktemp -d) || return 1
  servers_install || return 1
  if ((EUID == 0)); then # PostgreSQL refuses to run as root
    id postgres >/dev/null 2>&1 || {
      servers_fail 'root cannot run PostgreSQL, and there is no user postgres to run it as.'
      return 1
    }
    servers_postgres=(setpriv --reuid=postgres --regid=postgres --init-groups)
    chown postgres "$servers_dir"
  fi
  servers_start_postgres && servers_start_redis
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then # run: only what is missing is installed
  servers_dir=$(mktemp -d)
  trap stop_servers EXIT
  servers_install
  exit
fi

servers_start || {
  stop_servers
  return 1
}
echo "Test servers: $TEST_DATABASE_URL $TEST_REDIS_URL"
