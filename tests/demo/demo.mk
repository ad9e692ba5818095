# SPDX-License-Identifier: Apache-2.0
# The README's second command.

.PHONY: demo demo-environment

## demo: run one real flow by our worker (CLUSTER=real, or CLUSTER=current with PREFECT_API_URL)
demo: all $(if $(filter current,$(CLUSTER)),,demo-environment) | packages-test
	@/usr/bin/python3 tests/demo/demo.py --cluster '$(or $(CLUSTER),standin)' \
	    --worker '$(B)/prefect-k8s-worker' --cache '$(CACHE)'

# Downloads while the compiler works.
demo-environment: | packages-test
	@tests/venv '$(CACHE)' server-3.8 tests/e2e/prefect/server-3.8.txt >/dev/null
