#!/usr/bin/env bash
# `./x test`: everything CI runs, stage by stage, cheapest first. Nextest's summary is the last word.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/tools.sh
source scripts/tools.sh
# shellcheck source=scripts/postgres.sh
source scripts/postgres.sh

deep=false
for argument in "$@"; do
  case $argument in
    --deep) deep=true ;;
    *)
      say "usage: ./x test [--deep]"
      exit 2
      ;;
  esac
done

export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto} CARGO_INCREMENTAL=0
timings=()

# stage NAME COMMAND…: runs it, prints how long it took, stops the whole run if it failed.
stage() {
  local name=$1 start=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  "$@" || die "stage '$name' failed after $((SECONDS - start)) s: $*"
  timings+=("$(printf '%-12s %5d s' "$name" $((SECONDS - start)))")
  printf -- '-- %s: %d s\n' "$name" $((SECONDS - start))
}

tools() {
  need_cargo
  need_component fmt rustfmt
  need_component clippy
  need_c_compiler
  if have_nextest; then nextest=true; else nextest=false && say "without nextest, cargo's own test runner is used"; fi
}

tests() {
  if $nextest; then
    cargo nextest run --locked --workspace --profile ci --cargo-profile ci
  else
    cargo test --locked --workspace --profile ci --bins --lib --tests
  fi
}

# The same stories on a server: the store's promises and everything the bank does, checked by the same checker.
on_postgres() {
  find_postgres || { apt_install postgresql && find_postgres; } ||
    die "PostgreSQL is missing and may not be installed from here. Run: sudo apt-get install postgresql"
  scratch=$(mktemp -d -p "${TMPDIR:-/var/tmp}")
  chmod 711 "$scratch"
  trap 'stop_postgres; rm -rf "$scratch"' EXIT
  start_postgres
  JIAOZI_TEST_POSTGRES=$(postgres_url bench)
  export JIAOZI_TEST_POSTGRES
  if $nextest; then
    # The whole workspace, so that nothing is compiled anew with other features.
    cargo nextest run --locked --workspace --profile ci --cargo-profile ci -E 'package(jiaozi-store) + package(jiaozi-bank)'
  else
    cargo test --locked --profile ci --lib -p jiaozi-store -p jiaozi-bank
  fi
  unset JIAOZI_TEST_POSTGRES
}

build() { cargo build --locked --workspace --all-targets --profile ci; }
lint() { cargo clippy --quiet --locked --workspace --all-targets --profile ci -- -D warnings; }
examples() { cargo test --quiet --locked --workspace --profile ci --doc; }
has_crate() { [ -f "crates/$1/Cargo.toml" ]; }

licences() {
  if ! cargo deny --version >/dev/null 2>&1; then
    say "installing cargo-deny (once, some minutes)"
    cargo install --quiet --locked --debug cargo-deny
  fi
  cargo deny --locked check bans licenses sources
}

stage tools tools
stage format cargo fmt --all --check
stage tidy cargo xtask tidy
if $deep || cargo deny --version >/dev/null 2>&1; then stage licences licences; fi
stage lint lint
stage build build
stage examples examples
rounds=3
if $deep; then rounds=100; fi
if has_crate system-tests; then
  export X_BUILT=1
  stage crash ./x crash --rounds "$rounds"
  stage powercut ./x powercut --rounds "$rounds"
  if $deep; then stage simulate ./x simulate --seeds 2000; else stage simulate ./x simulate --seeds 40 --twice 10; fi
  if $deep; then
    stage faults ./x faults all
  else
    stage torn-writes ./x faults torn-writes --rounds 100
    stage bit-flips ./x faults bit-flips --rounds 60
    find_postgres || apt_install postgresql || true
    stage pg-cuts ./x faults pg-cuts --rounds 1
    stage races ./x faults races --rounds 2 --clients 30
    stage soak ./x faults soak --minutes 0.3
  fi
fi
stage postgres on_postgres
if $deep; then stage fuzz-api ./x fuzz-api; fi

printf '\n== stages so far\n'
printf '%s\n' "${timings[@]}"
printf '\n== tests\n'
tests
