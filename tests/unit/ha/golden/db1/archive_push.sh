#!/bin/sh
# Put one file of WAL into the archive for PostgreSQL of db1: `set -- NAME PATH pgbackrest; . archive_push.sh`
#
# The program is named there because pgBackRest makes no backup of a server whose archive_command
# does not name it (archive-check, 068).
# PostgreSQL ends its archiver, and begins another one, when its command ends by a signal or above
# 125 (pgarch_archiveXlog() in pgarch.c). That is how a stop which was announced gets rid of it.
name=${1%.partial} path=$2 program=$3
stopping=/run/evergrid/warden/stopping # ha/handover.py names the server here while it stops

[ -e "$stopping" ] && [ "$(cat "$stopping")" = "$(head -n 1 postmaster.pid)" ] && kill $$

# Test if a segment ends a timeline that this server has left, or lies beyond its end.
is_left_behind() {
    case $name in ????????????????????????) ;; *) return 1 ;; esac # neither history nor backup
    newest=$(ls pg_wal/*.history 2>/dev/null | tail -n 1)
    size=$(stat --format=%s "$path") && [ -n "$newest" ] || return 1
    place=${name#????????}
    begins=$(((0x${place%????????} << 32) + 0x${place#????????} * size))
    while read -r timeline ended _; do
        [ "$timeline" = $((0x${name%????????????????})) ] || continue
        [ $((begins + size)) -gt $(((0x${ended%/*} << 32) + 0x${ended#*/})) ] && return 0
    done <"$newest"
    return 1
}

# A SIGTERM ends the push with all below it in a fifth of a second, then this shell as well.
push='' is_unwanted=''
trap 'is_unwanted=1; [ -z "$push" ] || kill -TERM "$push" 2>/dev/null' TERM
# After what clients wait for. Niceness counts within a session; where the kernel shares processors
# among these, this is the session's own (sched(7)): it is the archiver's.
echo 10 2>/dev/null >/proc/self/autogroup
nice -n 10 timeout --kill-after=0.2 20 "$program" --config=/etc/evergrid/pgbackrest.conf \
    --stanza=main archive-push "$path" &
push=$!
[ -z "$is_unwanted" ] || kill -TERM "$push" 2>/dev/null
wait "$push"
code=$?
while kill -0 "$push" 2>/dev/null; do # a signal ends `wait`, not the push
    wait "$push"
    code=$?
done
[ -z "$is_unwanted" ] || exit 143 # pgBackRest ends a SIGTERM with a code of its own
if [ "$code" -eq 45 ] && is_left_behind; then
    # The archive has a file of this name, of the host that led that timeline, and longer. No restore
    # along the new timeline reads either; refused for ever, it would hold up all that follow.
    echo "$name is of a timeline that was left: the archive keeps the one of who led it." >&2
    exit 0
fi
exit "$code"
