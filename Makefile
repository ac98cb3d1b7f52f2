# The README's commands. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := /opt/evergrid/dependencies/bin
# The lab of the tests stands beside yours, under its own name, on its own subnet.
TEST_LAB := test
TEST_SUBNET := 10.78.0.0/24
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help up down test check format bench drill fuzz oracle audit python goldens dist lint fleet-test

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

up: ## install what is missing, start the data centre, bill the demo bureau
	@ansible/prepare
	@evergrid-ha lab up

down: ## stop the data centre, leave nothing behind
	@if command -v evergrid-ha >/dev/null; then evergrid-ha lab down; else echo 'nothing is installed'; fi

python: # the Python environment alone
	@ansible/prepare --python

check: python ## everything that proves the tree and needs no lab
	@tests/check

test: ## everything that proves the tree: check, then a lab of its own, then some drills
	@ansible/prepare
	@tests/check
	@tests/with-lab $(TEST_LAB) $(TEST_SUBNET) tests/lab-tests

drill: ## every drill, on a lab of its own
	@ansible/prepare
	@tests/with-lab $(TEST_LAB) $(TEST_SUBNET) evergrid-drill run --all --name $(TEST_LAB)

bench: ## requests per second beside pgbench on the same lab
	@ansible/prepare
	@tests/with-lab $(TEST_LAB) $(TEST_SUBNET) evergrid-drill bench --name $(TEST_LAB)

fuzz: python ## a million damaged requests, then many made up from the API's description
	@PYTHONPATH=. $(BIN)/python -m tests.fuzz
	@PYTHONPATH=. EVERGRID_EXAMPLES=400 $(BIN)/python -m pytest -q -n 2 \
		tests/integration/test_http_description.py -k no_request

oracle: python ## a hundred thousand customers, each billed by the engine and by the rules' second writing
	@PYTHONPATH=. EVERGRID_CUSTOMERS=100000 $(BIN)/python -m pytest -q -n 2 tests/oracle

audit: ## ask an advisory service about every pinned package; needs the internet
	@tests/audit

format: python ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

dist: python ## the product with all it runs on, packed for hosts without the internet
	@ansible/dist

lint: ## ansible-lint, strictest profile, in an environment of its own
	@ansible/prepare --lint
	@cd ansible && /opt/evergrid/lint/bin/ansible-lint --offline

fleet-test: ## twelve systemd machines on this one, set up by Ansible, checked, broken, mended
	@apt-get install -qy debootstrap systemd-container openssh-client jq >/dev/null
	@ansible/prepare --control
	@tests/fleet/run
