"""The hosts of a lab let in what those of a data centre do, and whoever drills them."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from ha import flows, installation
from ha.lab import openings
from ha.lab.hosts import boot_script
from ha.lab.layout import Layout
from ha.lab.state import State
from ha.topology import load

HOSTS = [host.name for host in load().hosts]


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_of_a_lab_lets_in_all_that_one_of_a_data_centre_does(host):
    host = load().host(host)
    own = flows.openings(host, load())

    assert openings.of(host, load())[: len(own)] == own
    assert installation.firewall(host, own) != openings.texts(load())[f"{host.name}/nftables.conf"]


def test_only_the_client_s_host_is_let_in_beside():
    client = load().with_role("client")[0].address
    for host in load().hosts:
        own = flows.openings(host, load())
        *beside, reached = openings.of(host, load())[len(own) :]
        assert all(opening.addresses == (client,) for opening in beside)
        assert not any(opening.is_for_all for opening in (*beside, reached))
        assert reached.port == openings.REFUSED_PORT


def test_nobody_listens_where_reaching_is_tried():
    assert openings.REFUSED_PORT not in {getattr(load().ports, n) for n in load().ports.__slots__}


def test_a_host_boots_behind_its_firewall():
    script = boot_script(
        Layout("test"), State(topology=load(), release="/r"), load().host("db1")
    )
    loads, begins = (script.index(text) for text in (" ".join(openings.LOAD), "exec tini"))
    assert loads < begins


@pytest.mark.skipif(os.geteuid() != 0, reason="the kernel's check is for root only")
@pytest.mark.parametrize("host", HOSTS)
def test_the_kernel_accepts_every_firewall_of_a_lab(host):
    if shutil.which("nft") is None:
        pytest.skip("nft is not installed")
    done = subprocess.run(
        ["unshare", "--net", "nft", "--check", "--file", "-"],
        input=openings.texts(load())[f"{host}/nftables.conf"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
