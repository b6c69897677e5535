#!/bin/sh
# Enqueue a credential test with redis-cli alone.
#
#   enqueue.sh JOB_ID ENVELOPE_FILE [redis-cli options, such as -u redis://host or -s /path/to.sock]
set -eu
job=$1 file=$2
shift 2
rid=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
# One line, with \ and " escaped, as redis-cli reads a quoted argument.
envelope=$(tr -d '\r\n' < "$file" | sed 's/[\\"]/\\&/g')
message=$(printf '{"queue_name":"credential-tests","actor_name":"test_credentials","args":["%s"],"kwargs":{},"options":{"redis_message_id":"%s"},"message_id":"%s","message_timestamp":%s000}' \
    "$job" "$rid" "$job" "$(date +%s)")

replies=$(redis-cli "$@" << EOF
MULTI
SET mailvouch:request:$job "$envelope" NX EX 86400
HSET mailvouch:credential-tests.msgs $rid '$message'
RPUSH mailvouch:credential-tests $rid
EXEC
EOF
)
case $replies in
    *ERR* | *WRONGTYPE* | *DENIED* | *NOAUTH* | *NOPERM* | *OOM*) echo "$replies" >&2; exit 1 ;;
esac
echo "$job"
