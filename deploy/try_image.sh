#!/bin/sh
# Builds the image and runs a worker from it as compose.yaml and kubernetes/ do: as the image's user,
# on a read-only root, without capabilities, its data in memory. Ends with 0 where all of it held.
#
#   sudo deploy/try_image.sh [BASE_IMAGE] [-- MORE WORDS FOR buildah build]
#
# Needs Debian's packages buildah and podman, no daemon. Without BASE_IMAGE the one of the Dockerfile
# is pulled; where no registry can be reached make one that stands in for it (package debootstrap):
#
#   debootstrap --variant=minbase --include=python3,python3-venv,python-is-python3 bookworm rootfs
#   tar -C rootfs -c . | podman import - localhost/python:bookworm
#   sudo deploy/try_image.sh localhost/python:bookworm
#
# Where the kernel has no overlay file system: driver = "vfs" in /etc/containers/storage.conf.
set -eu
cd "$(dirname "$0")/.."
image=localhost/mailvouch:tried
worker=mailvouch-tried-$$

base=
if [ $# -gt 0 ] && [ "$1" != -- ]; then base=$1; shift; fi
if [ $# -gt 0 ]; then shift; fi

say() { printf '\n== %s\n' "$1"; }
fail() { printf 'NOT AS EXPECTED: %s\n' "$1" >&2; podman logs "$worker" >&2 || true; exit 1; }
cleanup() { podman rm --force --time 0 "$worker" >/dev/null 2>&1 || true; }
trap cleanup EXIT

say "build"
# Docker's format: the other one knows no HEALTHCHECK.
buildah build --isolation chroot --format docker --file deploy/Dockerfile --tag "$image" \
    ${base:+--build-arg "PYTHON_IMAGE=$base"} "$@" .

say "start: user of the image, read-only root, no capabilities, no new privileges"
# It needs no network but its own loopback: its Redis is embedded, and nothing listens on port 587.
podman run --detach --name "$worker" --network none --read-only --cap-drop ALL \
    --security-opt no-new-privileges --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 \
    --tmpfs /tmp \
    --env MAILVOUCH_CONCURRENCY=100 --env MAILVOUCH_ALLOW_NETWORKS=127.0.0.0/8 "$image" >/dev/null
asked=0
until podman exec "$worker" mailvouch-worker top --once >/dev/null 2>&1; do
    asked=$((asked + 1))
    [ "$asked" -lt 60 ] || fail "no metrics page within a minute"
    sleep 1
done

say "who and what it is"
podman exec "$worker" sh -c '
    id
    grep -E "^(CapEff|NoNewPrivs)" /proc/self/status
    mailvouch-worker --version
    touch /written 2>&1 && exit 9 || true
    find / -xdev -writable -type f 2>/dev/null | head
' || fail "its root can be written to"
[ "$(podman exec "$worker" id -u)" = 10001 ] || fail "runs as another user"

say "doctor"
podman exec "$worker" mailvouch-worker doctor || fail "doctor finds something that will not work"

say "one job, at a port where nothing listens: a result, exit status 1"
job='{"emailCredentialsRequests": [{"dealerEmail": "a@dealer.example", "password": "tried",
      "smtpHost": "127.0.0.1", "smtpPort": "587"}]}'
status=0
result=$(printf '%s' "$job" | podman exec --interactive "$worker" mailvouch test - --json) || status=$?
[ "$status" = 1 ] || fail "mailvouch test ended with $status"
case $result in
    *SMTP_CONNECTION_REFUSED*) echo SMTP_CONNECTION_REFUSED ;;
    *) fail "$result" ;;
esac

say "what orchestrators ask"
podman healthcheck run "$worker" && echo healthy || fail "not healthy"
podman exec "$worker" python -c "
import urllib.request
print(urllib.request.urlopen('http://127.0.0.1:9191/readyz', timeout=5).read())
" || fail "not ready"

say "stop: the image's signal, exit status 0"
podman stop --time 60 "$worker" >/dev/null
status=$(podman inspect --format '{{.State.ExitCode}}' "$worker")
[ "$status" = 0 ] || fail "ended with $status"
podman logs "$worker" 2>&1 | tail -n 3
say "all of it held"
