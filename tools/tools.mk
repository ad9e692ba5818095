# SPDX-License-Identifier: Apache-2.0
# The linters, and the check of who allocates. What they need, they install into the cache.

TOOLS_VENV = $$(tests/venv '$(CACHE)' tests tests/requirements.txt)
RUFF = "$(TOOLS_VENV)"/bin/ruff
CLANG_FORMAT = "$(TOOLS_VENV)"/bin/clang-format

LINTS := lint-format lint-tidy lint-shell lint-python lint-analyze
.PHONY: lint $(LINTS) format

## lint: run all linters: lint-format lint-tidy lint-shell lint-python lint-analyze
lint: | packages-lint
	@failed=; for part in $(LINTS); do \
	    $(MAKE) --no-print-directory $$part || failed="$$failed $$part"; done; \
	if [ -n "$$failed" ]; then echo "lint: failed:$$failed"; exit 1; fi; echo 'lint: clean'

lint-format: | packages-lint
	@tools/list-files c | xargs -r $(CLANG_FORMAT) --dry-run -Werror && echo 'format: clean'

lint-tidy: $(VENDOR_GLIBC)/sources.txt | packages-lint
	@tools/tidy --self-test
	@tools/tidy --vendor-include '$(VENDOR_GLIBC)/include'

lint-shell: | packages-lint
	@tools/list-files shell | xargs -r shellcheck -x && echo 'shellcheck: clean'

lint-python: | packages-lint
	@ruff=$(RUFF); tools/list-files python | { mapfile -t files; \
	    "$$ruff" format --config tools/ruff.toml --check --quiet "$${files[@]}" || \
	        { echo 'ruff: run make format' >&2; exit 1; }; \
	    "$$ruff" check --config tools/ruff.toml "$${files[@]}"; } && echo 'ruff: clean'

## format: rewrite all C and Python in the project's style
format: | packages-lint
	@tools/list-files c | xargs -r $(CLANG_FORMAT) -i
	@ruff=$(RUFF); tools/list-files python | { mapfile -t files; \
	    "$$ruff" check --config tools/ruff.toml --fix --quiet "$${files[@]}"; \
	    "$$ruff" format --config tools/ruff.toml --quiet "$${files[@]}"; }

# gcc's static analyser, each file on its own; what was clean is not looked at again until it changes.
ANALYZED := $(SOURCES_C:src/%.c=$(B)/analyze/%.o)
CFLAGS_analyze = $(COMMON) -isystem $(VENDOR_GLIBC)/include -O1 -fanalyzer

# The allocator hands out addresses behind a header of its own; gcc 12 takes that for a leak.
$(B)/analyze/base/heap.o: CFLAGS_analyze += -Wno-analyzer-malloc-leak

lint-analyze: $(ANALYZED)
	@echo 'analyzer: clean'

$(B)/analyze/%.o: src/%.c $(B)/flags-debug | $(VENDOR_GLIBC)/sources.txt
	@mkdir -p $(@D)
	$(say) ANALYZE $<
	$(q)gcc $(CFLAGS_analyze) -MMD -MP -c $< -o $@

-include $(ANALYZED:.o=.d)

# -- who refers to malloc: the product linked once more, with every allocator name wrapped

WRAPPED := malloc calloc realloc free strdup posix_memalign aligned_alloc
TEST_SUITES += malloc-callers
.PHONY: malloc-callers

## malloc-callers: compare who refers to malloc with tests/malloc-callers.txt (UPDATE=1 rewrites it)
malloc-callers: $(B)/wrapped
	@mkdir -p $(B)/results && echo '0 1' >$(B)/results/$@.txt
	@tools/malloc-callers $(B)/wrapped.map $(B)/wrapped tests/malloc-callers.txt
	@echo '1 0' >$(B)/results/$@.txt

$(B)/wrapped: $(OBJECTS_release) $(B)/flags-release
	@{ $(foreach name,$(WRAPPED),echo 'char __wrap_$(name)[1];';) } | \
	    $(CC_release) -fPIE -x c -c - -o $(B)/wrap.o
	$(say) LINK $@
	$(q)$(CC_release) $(LDFLAGS_release) -Wl,--emit-relocs,-Map=$(B)/wrapped.map \
	    $(WRAPPED:%=-Wl,--wrap=%) -o $@ $(OBJECTS_release) $(B)/wrap.o $(LIBS_release)
