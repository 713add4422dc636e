# shellcheck shell=bash
# What the other scripts need from the machine: finds it, installs it where that is allowed, or says what to install.
# Sourced, from the root of the repository.

say() { printf '%s\n' "x: $*" >&2; }
die() {
  say "$*"
  exit 1
}

# Runs apt-get as root, with sudo if that asks for no password; false if neither is possible.
apt_install() {
  command -v apt-get >/dev/null || return 1
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null || return 1
    as_root=(sudo -n)
  fi
  say "installing $*"
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends)
  # The list of packages may be missing or old on a fresh machine.
  "${as_root[@]}" "${install[@]}" "$@" >/dev/null 2>&1 ||
    { "${as_root[@]}" apt-get update -qq >/dev/null && "${as_root[@]}" "${install[@]}" "$@" >/dev/null; }
}

# need COMMAND PACKAGE…: the command exists, or is installed from Debian's packages.
need() {
  local program=$1
  shift
  command -v "$program" >/dev/null && return
  apt_install "$@" && command -v "$program" >/dev/null && return
  die "'$program' is missing and may not be installed from here. Run: sudo apt-get install $*"
}

# SQLite and the cryptography are C inside our crates; a C compiler and its headers are all they need.
need_c_compiler() {
  need cc gcc libc6-dev
  printf '#include <stdio.h>\nint main(void) { return 0; }\n' | cc -x c -fsyntax-only - 2>/dev/null && return
  apt_install libc6-dev || die "the C headers are missing. Run: sudo apt-get install libc6-dev"
}

# The version in a text like "cargo 1.95.0 (…)" is at least the wanted one.
at_least() {
  local wanted=$1 found=$2
  [ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1)" = "$wanted" ]
}

need_cargo() {
  if ! command -v cargo >/dev/null && [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
    PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    export PATH
  fi
  command -v cargo >/dev/null || die "'cargo' is missing. Install Rust from https://rustup.rs, then run this again."
  local wanted found
  wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
  found=$(cargo --version | awk '{print $2}')
  at_least "$wanted" "$found" && return
  die "cargo $found is too old, $wanted is needed. Run: rustup update stable"
}

# need_component clippy: a part of the Rust toolchain, by the name of its cargo command.
need_component() {
  local part=$1 package=${2:-$1}
  cargo "$part" --version >/dev/null 2>&1 && return
  command -v rustup >/dev/null && rustup component add "$package" >&2 && return
  die "'cargo $part' is missing. Run: rustup component add $package"
}

# Nextest runs the tests; it is built once if missing, unoptimised because it only waits for others. False if that fails.
have_nextest() {
  cargo nextest --version >/dev/null 2>&1 && return
  say "installing cargo-nextest (once, some minutes)"
  cargo install --quiet --locked --debug --no-default-features --features default-no-update cargo-nextest >&2 &&
    cargo nextest --version >/dev/null 2>&1
}

target_folder() { printf '%s' "${CARGO_TARGET_DIR:-target}"; }
