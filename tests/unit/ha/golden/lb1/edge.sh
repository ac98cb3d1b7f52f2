# Starts the edge's HAProxy, and tells keepalived when it ends, in whatever way.
#
# A watcher holds the reading end of a pipe whose writing end only HAProxy has, as its standard
# input. When the last of HAProxy's processes is gone (kill -9 included) the kernel closes the
# pipe, the watcher wakes, and writes -254: FAULT, the other edge takes the virtual address at once.
set -eu
export state=/run/evergrid/haproxy/state

# The watcher of an earlier run holds this lock until it has written: it cannot overwrite us.
exec 9>"$state.lock"
flock 9
echo 0 >"$state"
# Not our child: a HAProxy that lost a worker waits for all its children before it ends.
exec 0> >(exec setsid --fork /bin/sh -c 'cat && echo -254 >"$state"')
exec /usr/sbin/haproxy -W -db -f /etc/evergrid/haproxy.cfg 9>&-
