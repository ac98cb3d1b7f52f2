# What Patroni runs on db1 before it stops PostgreSQL.
#
# A stop that was announced is done here, looking every 5 ms for its end: Patroni itself would look
# every second, twice. Any other stop, an emergency above all, is left to Patroni at once.
set -u
note=/run/evergrid/warden/planned_stop
stopping=/run/evergrid/warden/stopping # archive_push.sh ends the archiver while it names its server
data=/var/lib/evergrid/postgresql/data

written=$(stat --format=%Y "$note" 2>/dev/null) || exit 0
rm -f "$note"
[ $(($(date +%s) - written)) -le 15 ] || exit 0
postmaster=$(head -n 1 "$data/postmaster.pid" 2>/dev/null) || exit 0
archiver=$(pgrep --parent "$postmaster" --full 'archiver')

trap 'rm -f "$stopping"' EXIT
echo "$postmaster" >"$stopping"
kill -INT "$postmaster" || exit 0
# The shutdown waits for the archiver, the archiver for a command that it has begun: that is ended
# again and again. The new primary archives what is left (ha.backups.gap).
while [ -n "$archiver" ] && [ -d "/proc/$archiver" ]; do
    sleep 0.02
    commands='' # the kernel ends this line with no newline: what `read` returns says nothing
    read -r commands <"/proc/$archiver/task/$archiver/children"
    [ -z "$commands" ] || kill -TERM $commands
done 2>/dev/null &
impatience=$!
await_end() { timeout "$1" tail --pid="$postmaster" --sleep-interval=0.005 --follow /dev/null; }
# Without room for its checkpoint a server crashes, begins to recover, and is waited for in vain: it is
# ended at once. What was acknowledged is on another host; a replica is made of this one again.
least=4194304 # bytes: a segment of WAL
if ! await_end 1; then
    free=$(($(stat --file-system --format='%a * %S' "$data"))) # blocks * their size
    [ "$free" -ge "$least" ] || kill -QUIT "$postmaster"
    await_end 4
fi
kill "$impatience" 2>/dev/null || true # it may have ended with the archiver
# Patroni goes on from here, with its own patience.
