#!/bin/sh
# Asks the running program whatever its API document allows, and what it forbids, and looks whether the answers are as the
# document says: no failure, no status, media type or field that is not documented, nothing accepted that should be refused.
# As nobody, as the owner of a school and as the operator.
#
#   scripts/schemathesis.sh            everything: examples, every bound of every field, random requests, chains of them
#   scripts/schemathesis.sh --quick    examples and a few random requests for each operation
#
# CLOISTER_BINARY is the program (target/debug/cloister). CLOISTER_SEED chooses the random requests; it is 1 when not set.
# Schemathesis comes from the Python package index, with the versions in scripts/schemathesis/requirements.txt, into
# target/tools. The limits by rate are raised for the node that this starts, which serves this machine alone.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
binary=${CLOISTER_BINARY:-$root/target/debug/cloister}
seed=${CLOISTER_SEED:-1}
tools=$root/target/tools/schemathesis
wanted=$root/scripts/schemathesis/requirements.txt
port=${CLOISTER_SCHEMATHESIS_PORT:-18471}
password='blue lanterns over quiet water'

say() { printf '%s\n' "$*" >&2; }
fail() { say "schemathesis: $*"; exit 1; }

phases=examples,coverage,fuzzing,stateful
examples=20
for argument in "$@"; do
    case $argument in
        --quick) phases=examples,fuzzing examples=3 ;;
        -h | --help) sed -n '2,14s/^# \{0,1\}//p' "$0" >&2; exit 0 ;;
        *) fail "unknown option: $argument" ;;
    esac
done

[ -x "$binary" ] || fail "$binary is not there; build it: cargo build --package cloister"
if ! cmp -s "$wanted" "$tools/requirements.txt"; then
    rm -rf "$tools"
    python3 -m venv "$tools" || fail "this needs Python 3.10 or later with venv"
    "$tools/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
    cp "$wanted" "$tools/requirements.txt"
fi

# The server's account passes through it when this runs as root.
work=$(mktemp -d /tmp/cloister-schemathesis-XXXXXX)
chmod 711 "$work"
node=
finish() {
    if [ -n "$node" ]; then
        kill "$node" 2>/dev/null || true
        wait "$node" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

for class in READ WRITE HEAVY SIGN_IN SIGN_UP NAME_CHECK VISITOR REFUSED; do
    export "CLOISTER_HTTP_RATES_$class=unlimited"
done
export CLOISTER_LOG_FORMAT=json
"$binary" --data-dir "$work/data" demo --students 10 --listen "127.0.0.1:$port" >/dev/null 2>"$work/log" &
node=$!
tries=0
until curl --silent --fail --output /dev/null "http://127.0.0.1:$port/readyz"; do
    kill -0 "$node" 2>/dev/null || { cat "$work/log" >&2; fail "the node ended"; }
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || fail "the node is not ready after a minute"
    sleep 0.1
done

# Name, address, account.
ask() {
    CLOISTER_BASE=$2 CLOISTER_EMAIL=$3 CLOISTER_PASSWORD=$password PYTHONDONTWRITEBYTECODE=1 \
        PYTHONPATH=$root/scripts/schemathesis SCHEMATHESIS_HOOKS=hooks \
        "$tools/bin/st" --config-file "$root/scripts/schemathesis/schemathesis.toml" \
        run "$root/openapi/cloister.json" --url "$2" --seed "$seed" \
        --phases "$phases" --max-examples "$examples" --workers 1 --no-color \
        >"$work/$1" 2>&1 || echo "$1" >>"$work/failed"
}
base=http://127.0.0.1:$port
cd "$work"
ask nobody "$base" "" &
nobody=$!
ask owner "$base/t/north" owner@north.example
wait "$nobody"
# Last: an operator suspends and deletes tenants, which those before need.
ask operator "$base" operator@platform.example

for who in nobody owner operator; do
    say "$who: $(grep -E '^ *[0-9]+ generated' "$work/$who" || echo 'it did not come to its end')"
done
for who in $(cat "$work/failed" 2>/dev/null); do
    say "--- as $who"
    cat "$work/$who" >&2
done
[ ! -e "$work/failed" ] || fail "answers are not as the document says"
if grep -E 'panicked|"level":"ERROR"' "$work/log" >&2; then
    fail "the node says that something went wrong in it"
fi
