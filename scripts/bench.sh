#!/usr/bin/env bash
# `./x bench [payments|ledger|http] [arguments of jiaozi bench]`: our figures beside pgbench's, in the same minutes, on the
# same disk, with two calibrations of the machine. Without a name, all three. Figures are only worth their ratio.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/tools.sh
source scripts/tools.sh

seconds_of_pgbench=${PGBENCH_SECONDS:-10}
clients_of_pgbench=${PGBENCH_CLIENTS:-32}

# Both sides write here: a folder of the disk, not of memory, that another user can enter.
scratch=$(mktemp -d -p "${TMPDIR:-/var/tmp}")
chmod 711 "$scratch"
postgres_runs=false
as_postgres=()

clean_up() {
  if $postgres_runs; then
    "${as_postgres[@]}" "$postgres/pg_ctl" --pgdata "$scratch/postgres/data" --mode immediate stop >/dev/null || true
  fi
  rm -rf "$scratch"
}
trap clean_up EXIT

calibrate() {
  local start end
  start=$(date +%s%N)
  head -c 512M /dev/zero | sha256sum >/dev/null
  end=$(date +%s%N)
  awk -v ns=$((end - start)) 'BEGIN { printf "calibration: sha256sum %.0f MB/s on one core\n", 512e9 / ns }'
  start=$(date +%s%N)
  dd if=/dev/zero of="$scratch/sync" bs=4k count=500 oflag=dsync status=none
  end=$(date +%s%N)
  rm "$scratch/sync"
  awk -v ns=$((end - start)) 'BEGIN { printf "calibration: %.0f synced writes of 4 kB per second\n", 500e9 / ns }'
}

# PostgreSQL's programs: on the path, or the newest of Debian's folders.
find_postgres() {
  local folder
  for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) "$(dirname "$(command -v initdb || true)")"; do
    if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ]; then
      postgres=$folder
      pgbench=$(command -v "$folder/pgbench" || command -v pgbench) && return
    fi
  done
  return 1
}

# PostgreSQL refuses to run as root: then as its own user, or as nobody.
choose_user() {
  [ "$(id -u)" -eq 0 ] || return 0
  local user=nobody
  if id postgres >/dev/null 2>&1; then user=postgres; fi
  as_postgres=(setpriv --reuid "$(id -u $user)" --regid "$(id -g $user)" --clear-groups)
  chown "$user" "$scratch/postgres"
}

# A cluster of its own on a unix socket only, with every commit durable, as it comes.
start_postgres() {
  mkdir "$scratch/postgres"
  choose_user
  (
    cd "$scratch/postgres"
    "${as_postgres[@]}" "$postgres/initdb" --pgdata data --username bench --auth trust --encoding UTF8 --locale C >initdb.log
    "${as_postgres[@]}" "$postgres/pg_ctl" --pgdata data --log server.log --wait start --options \
      "-c listen_addresses= -c unix_socket_directories=$scratch/postgres -c shared_buffers=256MB -c max_wal_size=4GB" >/dev/null
  )
  postgres_runs=true
  "${as_postgres[@]}" "$postgres/createdb" --host "$scratch/postgres" --username bench bench
  pgbench_run --initialize --quiet --scale 10 >/dev/null 2>&1
}

pgbench_run() { (cd "$scratch/postgres" && "${as_postgres[@]}" "$pgbench" --host "$scratch/postgres" --username bench "$@" bench); }

# Durable TPC-B of PostgreSQL per second.
tpcb() {
  pgbench_run --client "$clients_of_pgbench" --jobs 2 --time "$seconds_of_pgbench" --protocol prepared --no-vacuum 2>/dev/null |
    sed -n 's/^tps = \([0-9.]*\).*/\1/p'
}

one() {
  local before=0 after=0 figures
  if $postgres_runs; then before=$(tpcb); fi
  figures=$(TMPDIR=$scratch "$(target_folder)/release/jiaozi" bench "$@" --json)
  printf '%s\n' "$figures"
  $postgres_runs || return 0
  after=$(tpcb)
  printf '%s\n' "$figures" | sed -n 's/.*"bench": *"\([a-z_]*\)".*"per_second": *\([0-9.]*\).*/\1 \2/p' |
    awk -v before="$before" -v after="$after" '{
      peer = (before + after) / 2
      printf "%s: %.0f per second; pgbench TPC-B %.0f before, %.0f after; ratio %.2f\n", $1, $2, before, after, $2 / peer
    }'
}

need_cargo
need_c_compiler
cargo build --locked --release --bin jiaozi
calibrate
if find_postgres; then
  start_postgres
else
  say "no PostgreSQL here, so no ratio. For one, run: sudo apt-get install postgresql postgresql-contrib"
fi
case ${1-} in
  '' | -*) for name in payments ledger http; do one "$name" "$@"; done ;;
  *) one "$@" ;;
esac
