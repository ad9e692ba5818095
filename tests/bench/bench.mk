# SPDX-License-Identifier: Apache-2.0
# What the release build needs, held against its budgets.

.PHONY: bench bench-standins bench-real

## bench: size, memory, start-up: between the stand-ins, then beside the Python worker on real servers
bench:
	@status=0; for part in bench-standins bench-real; do \
	    $(MAKE) --no-print-directory $$part || status=1; done; exit $$status

## bench-standins: the part of bench that needs no real servers
bench-standins: all | packages-test
	@python="$$(tests/venv '$(CACHE)' tests tests/requirements.txt)"/bin/python && \
	"$$python" tests/bench/bench.py '$(B)/prefect-k8s-worker'

## bench-real: the part of bench on the real servers
bench-real: all
	@tests/e2e/run '$(CACHE)' '$(B)' tests/e2e/test_footprint.py
