# shellcheck shell=bash
# A PostgreSQL of our own: a private cluster on a unix socket, with every commit durable, for as long as the script runs.
# Sourced, after tools.sh; $scratch is a folder of the disk that another user can enter.

postgres_runs=false
as_postgres=()

stop_postgres() {
  if $postgres_runs; then
    "${as_postgres[@]}" "$postgres/pg_ctl" --pgdata "$scratch/postgres/data" --mode immediate stop >/dev/null || true
  fi
}

# PostgreSQL's programs: on the path, or the newest of Debian's folders.
find_postgres() {
  local folder
  for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) "$(dirname "$(command -v initdb || true)")"; do
    if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ]; then
      postgres=$folder
      pgbench=$(command -v "$folder/pgbench" || command -v pgbench || true)
      return
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
      "-c listen_addresses= -c unix_socket_directories=$scratch/postgres -c max_connections=300 -c shared_buffers=256MB -c max_wal_size=4GB" >/dev/null
  )
  postgres_runs=true
  "${as_postgres[@]}" "$postgres/createdb" --host "$scratch/postgres" --username bench bench
}

# The URL of a database there.
postgres_url() { printf 'postgres://bench@%s/%s' "${scratch//\//%2F}%2Fpostgres" "$1"; }
