# SPDX-License-Identifier: Apache-2.0
# The README's second command.

.PHONY: demo

## demo: run one real flow by our worker (CLUSTER=real, or CLUSTER=current with PREFECT_API_URL)
demo: all | packages-test
	@/usr/bin/python3 tests/demo/demo.py --cluster '$(or $(CLUSTER),standin)' \
	    --worker '$(B)/prefect-k8s-worker' --cache '$(CACHE)'
