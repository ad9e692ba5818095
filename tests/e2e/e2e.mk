# SPDX-License-Identifier: Apache-2.0
# End-to-end tests: a real Prefect server of each generation and a real Kubernetes.

.PHONY: e2e cluster-build

## e2e: run the end-to-end tests (one file: make e2e E2E=tests/e2e/test_runs.py)
e2e: all
	@tests/e2e/run '$(CACHE)' '$(B)' $(E2E)

# For `make demo CLUSTER=real`: the programs that tests/e2e/kubernetes/cluster starts.
cluster-build:
	@tests/e2e/kubernetes/cluster build '$(CACHE)'
