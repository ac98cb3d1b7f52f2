"""Fleet: a data centre of real systemd machines on one computer, for Ansible to set up."""
