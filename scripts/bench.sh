#!/usr/bin/env bash
# `./x bench [payments|ledger|http] [arguments of jiaozi bench]`: our figures beside pgbench's, in the same minutes, on the
# same disk, with two calibrations of the machine. Without a name, all three. Figures are only worth their ratio.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/tools.sh
source scripts/tools.sh
# shellcheck source=scripts/postgres.sh
source scripts/postgres.sh

seconds_of_pgbench=${PGBENCH_SECONDS:-10}
clients_of_pgbench=${PGBENCH_CLIENTS:-32}

# Both sides write here: a folder of the disk, not of memory, that another user can enter.
scratch=$(mktemp -d -p "${TMPDIR:-/var/tmp}")
chmod 711 "$scratch"
clean_up() {
  stop_postgres
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
if find_postgres && [ -n "$pgbench" ]; then
  start_postgres
  pgbench_run --initialize --quiet --scale 10 >/dev/null 2>&1
else
  say "no PostgreSQL here, so no ratio. For one, run: sudo apt-get install postgresql postgresql-contrib"
fi
# `./x bench postgres [payments|ledger]`: the same with the bank in a database of the same server.
over_postgres() {
  local name=payments
  case ${1-} in payments | ledger) name=$1 && shift ;; esac
  $postgres_runs || die "no PostgreSQL here. Run: sudo apt-get install postgresql postgresql-contrib"
  "${as_postgres[@]}" "$postgres/createdb" --host "$scratch/postgres" --username bench bank
  one "$name" --database "$(postgres_url bank)" "$@"
}

case ${1-} in
  postgres) shift && over_postgres "$@" ;;
  '' | -*) for name in payments ledger http; do one "$name" "$@"; done ;;
  *) one "$@" ;;
esac
