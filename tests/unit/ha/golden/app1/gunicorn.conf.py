"""gunicorn of app1: the API's processes."""

from service import gunicorn_hooks

# TLS ends in the HAProxy beside it: handshakes do not hold up the loop that answers requests.
bind = "127.0.0.1:8080"
workers = 2
worker_class = "gevent"
# The edge lets a host have some hundreds at once.
worker_connections = 1000
backlog = 4096
http_parser = "fast"
# A process that does not even turn its loop for a minute is hung.
timeout = 60
# Stopping: time for a request that uses its whole deadline.
graceful_timeout = 29
# Longer than the edge keeps an idle connection, so that it is never us who close first.
keepalive = 75
preload_app = False
control_socket_disable = True
worker_tmp_dir = "/run/evergrid/gunicorn"
# Believe every peer, in nothing: which peer it is costs a look at each request (7 %, measured), and
# PATH_INFO or SCRIPT_NAME sent as a header would lead past what the edge hides.
forwarded_allow_ips = "*"
forwarder_headers = ""
secure_scheme_headers = {}

on_starting = gunicorn_hooks.on_starting
post_worker_init = gunicorn_hooks.post_worker_init
child_exit = gunicorn_hooks.child_exit
