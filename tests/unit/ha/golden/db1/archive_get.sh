#!/bin/sh
# Fetch one file of the archive for PostgreSQL of db1: `set -- NAME PATH; . archive_get.sh`
# (read by the shell that PostgreSQL starts: it calls up to five times at a turn). It is asked by
# servers that do not stream (ha/archive_use.py).
#
# PostgreSQL asks while it recovers, also in the middle of a failover, and waits for the answer:
# a promotion must never wait for a backup host that is slow or gone. Ends with 1 for whatever
# reason; above 125 PostgreSQL would stop (RestoreArchivedFile() in xlogarchive.c).
name=$1 path=$2
folder=${path%/*} # pg_wal, beside which PostgreSQL puts what we fetch
memory=/run/evergrid/pgbackrest
note=/run/evergrid/warden/streamed_at # in hundredths of a second since the machine started

# Test if a file was written within the last so many seconds.
is_fresh() { [ -e "$2" ] && [ -n "$(find "$2" -newermt "-$1 seconds")" ]; }

# Test if WAL was streamed within the last so many seconds, says the warden, by this run of
# PostgreSQL, whose data folder we are in.
has_streamed() {
    [ "$note" -nt postmaster.pid ] && read -r streamed <"$note" && read -r uptime _ </proc/uptime &&
        [ $((${uptime%.*}${uptime#*.} - streamed)) -lt $(($1 * 100)) ]
}

# The backup host did not answer a moment ago.
is_fresh 10 "$memory/away" && exit 1

case $name in
*.history)
    patience=1 vain=$memory/no_history
    # Nobody can have led between the primary that it followed until just now and itself.
    has_streamed 1 && exit 1
    [ -e "$folder/$name" ] && exit 1 # known already
    # The one before it came from its own primary a moment ago: there is no newer one.
    before=$(printf '%08X' $((0x${name%.history} - 1)))
    is_fresh 10 "$folder/$before.history" && exit 1
    ;;
*)
    has_streamed 60 && exit 1 # the archive cannot be ahead of that
    patience=15 vain=$memory/no_segment
    ;;
esac 2>/dev/null
# Asked for in vain just now: while there is no primary, PostgreSQL asks ten times a second.
[ -e "$vain" ] && read -r asked <"$vain" && [ "$asked" = "$name" ] && is_fresh 2 "$vain" && exit 1

timeout --kill-after=1 "$patience" pgbackrest --config=/etc/evergrid/pgbackrest.conf \
    --stanza=main archive-get "$name" "$path"
case $? in
0) exit 0 ;;
1) echo "$name" >"$vain" ;;
*) : >"$memory/away" ;;
esac
exit 1
