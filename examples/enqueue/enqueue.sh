#!/bin/sh
# Enqueue a job with redis-cli alone.
#
#   enqueue.sh JOB_ID ENVELOPE_FILE [redis-cli options, such as -u redis://host or -s /path/to.sock]
#
# The envelope's kind chooses the queue. Prints the job id; ends with 1 where Redis refuses, with 2
# on bad arguments, with 4 where Redis cannot be reached.
set -eu
fail() { status=$1; shift; echo "enqueue.sh: $*" >&2; exit "$status"; }

[ $# -ge 2 ] || fail 2 "usage: enqueue.sh JOB_ID ENVELOPE_FILE [redis-cli options]"
job=$1 file=$2
shift 2
case $job in *[!A-Za-z0-9._:-]*|'') fail 2 "a job id is 1 to 128 of A-Z a-z 0-9 . _ : -" ;; esac
[ -r "$file" ] || fail 2 "cannot read $file"
command -v redis-cli > /dev/null || fail 2 "redis-cli is not installed"
if grep -Eq '"kind"[[:space:]]*:[[:space:]]*"integration-' "$file"; then
    queue=integration-updates actor=update_integration
else
    queue=credential-tests actor=test_credentials
fi

rid=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
# One line, with \ and " escaped, as redis-cli reads a quoted argument.
envelope=$(tr -d '\r\n' < "$file" | sed 's/[\\"]/\\&/g')
message=$(printf '{"queue_name":"%s","actor_name":"%s","args":["%s"],"kwargs":{},"options":{"redis_message_id":"%s"},"message_id":"%s","message_timestamp":%s000}' \
    "$queue" "$actor" "$job" "$rid" "$job" "$(date +%s)")

redis-cli "$@" PING > /dev/null 2>&1 || fail 4 "Redis cannot be reached"
replies=$(redis-cli "$@" << EOF 2>&1
MULTI
SET mailvouch:request:$job "$envelope" NX EX 86400
HSET mailvouch:$queue.msgs $rid '$message'
RPUSH mailvouch:$queue $rid
EXEC
EOF
) || fail 4 "Redis went away: $replies"
case $replies in
    *ERR* | *WRONGTYPE* | *DENIED* | *NOAUTH* | *NOPERM* | *OOM* | *MISCONF* | *READONLY* | *LOADING* | *EXECABORT*)
        fail 1 "Redis refuses: $(echo "$replies" | grep -Em1 'ERR|WRONGTYPE|DENIED|NO(AUTH|PERM)|OOM|MISCONF|READONLY|LOADING|EXECABORT')" ;;
esac
echo "$job"
