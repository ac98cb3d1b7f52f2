# What Patroni runs on db1 before it stops PostgreSQL.
#
# A stop that was announced is done here, looking every 5 ms for its end: Patroni itself would look
# every second, twice. Any other stop, an emergency above all, is left to Patroni at once.
set -u
note=/run/evergrid/warden/planned_stop
data=/var/lib/evergrid/postgresql/data

written=$(stat --format=%Y "$note" 2>/dev/null) || exit 0
rm -f "$note"
[ $(($(date +%s) - written)) -le 15 ] || exit 0
postmaster=$(head -n 1 "$data/postmaster.pid" 2>/dev/null) || exit 0
archiver=$(pgrep --parent "$postmaster" --full 'archiver')

kill -INT "$postmaster" || exit 0
for turn in $(seq 1 500); do
    kill -0 "$postmaster" 2>/dev/null || exit 0
    # The shutdown waits for the archiver, the archiver for its command: every 0.1 s it is ended, and
    # the new primary archives what is left (ha.backups.gap).
    if [ $((turn % 20)) -eq 0 ] && [ -n "$archiver" ]; then
        pkill -TERM --parent "$archiver"
    fi
    sleep 0.005
done
# Patroni goes on from here, with its own patience.
