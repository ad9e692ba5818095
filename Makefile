# SPDX-License-Identifier: Apache-2.0
# Builds build/prefect-k8s-worker, one static binary. `make help` lists everything else.
# Made for GNU make on Debian; as root it installs the packages that it needs.

VERSION := 0.1.0
CACHE ?= $(or $(PKW_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/prefect-k8s-worker)

# Two makes at once in one tree need a folder each: make B=/somewhere/else
B ?= build

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules
JOBS := $(shell nproc)
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS) # a -j on the command line wins
endif

# The compiler itself may be missing, and is asked below: so this comes first.
ifeq ($(MAKELEVEL)$(filter help clean,$(MAKECMDGOALS)),0)
ifneq ($(shell tools/install-packages build >&2 && echo there),there)
$(error packages are missing)
endif
endif

.PHONY: all
## all: build the product (the default)
all: $(B)/prefect-k8s-worker $(B)/prefect $(B)/licences.txt

include vendor/vendor.mk

# -- flags

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wvla -Wundef -Wstrict-prototypes -Wmissing-prototypes \
    -Wwrite-strings -Wpointer-arith -Wformat=2 -Wimplicit-fallthrough
COMMON := -std=gnu11 $(WARNINGS) -D_GNU_SOURCE -DCURL_STATICLIB -DPKW_VERSION='"$(VERSION)"' -Isrc

CC_release = gcc -specs=$(VENDOR_MUSL)/static-pie.specs
CFLAGS_release = $(COMMON) -isystem $(VENDOR_MUSL)/include -Os -g0 -fPIE -ffunction-sections \
    -fdata-sections -fstack-protector-strong -fno-unwind-tables -fno-asynchronous-unwind-tables \
    -ffile-prefix-map=$(CURDIR)=.
LDFLAGS_release = -Wl,--gc-sections,-O1,-z,relro,-z,now,-z,noexecstack,--build-id=none,--fatal-warnings
LIBS_release = $(addprefix $(VENDOR_MUSL)/lib/,libcurl.a libbearssl.a libyaml.a)

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover
CC_debug = gcc
CFLAGS_debug = $(COMMON) -isystem $(VENDOR_GLIBC)/include -O1 -g -fno-omit-frame-pointer $(SANITIZE)
LDFLAGS_debug = $(SANITIZE)
LIBS_debug = $(addprefix $(VENDOR_GLIBC)/lib/,libcurl.a libbearssl.a libyaml.a) -lpthread -lm

# -- what is built from what

# ROOMS="base format" takes in only these folders of src: to work on one while another is broken.
SOURCES_C := $(sort $(if $(ROOMS),$(wildcard $(ROOMS:%=src/%/*.c)),$(wildcard src/*.c src/*/*.c)))
OBJECTS_release := $(SOURCES_C:src/%.c=$(B)/release/%.o)
OBJECTS_debug := $(SOURCES_C:src/%.c=$(B)/debug/%.o)

$(B)/release/%.o: src/%.c $(B)/flags-release | $(VENDOR_MUSL)/sources.txt
	@mkdir -p $(@D)
	$(say) CC $<
	$(q)$(CC_release) $(CFLAGS_release) -MMD -MP -c $< -o $@

$(B)/debug/%.o: src/%.c $(B)/flags-debug | $(VENDOR_GLIBC)/sources.txt
	@mkdir -p $(@D)
	$(say) CC-DEBUG $<
	$(q)$(CC_debug) $(CFLAGS_debug) -MMD -MP -c $< -o $@

$(B)/prefect-k8s-worker: $(OBJECTS_release) $(B)/flags-release
	$(say) LINK $@
	$(q)$(CC_release) $(LDFLAGS_release) -s -o $@ $(OBJECTS_release) $(LIBS_release)

$(B)/prefect: $(B)/prefect-k8s-worker
	$(q)ln -f $< $@

# What must go along with the binary: our licence and those of the libraries in it.
$(B)/licences.txt: LICENSE $(VENDOR_MUSL)/sources.txt
	$(q)mkdir -p $(B); for text in LICENSE $(VENDOR_MUSL)/licences/*.txt; do \
	    printf '%s\n\n' "==== $$(basename $$text .txt)"; cat $$text; echo; done >$@

$(B)/debug/prefect-k8s-worker: $(OBJECTS_debug) $(B)/flags-debug
	$(say) LINK $@
	$(q)$(CC_debug) $(LDFLAGS_debug) -o $@ $(OBJECTS_debug) $(LIBS_debug)

# All of src but main, for test programs.
$(B)/debug/libsrc.a: $(filter-out $(B)/debug/main.o,$(OBJECTS_debug))
	$(q)rm -f $@ && ar rcs $@ $^

# Rewritten only when flags or libraries change, which then rebuilds what depends on it.
$(B)/flags-release: FORCE
	@$(call note_flags,$(CC_release) $(CFLAGS_release) $(LDFLAGS_release))
$(B)/flags-debug: FORCE
	@$(call note_flags,$(CC_debug) $(CFLAGS_debug) $(LDFLAGS_debug))
note_flags = mkdir -p $(B); printf '%s\n' '$(subst ','\'',$(1))' | cmp -s - $@ || \
    printf '%s\n' '$(subst ','\'',$(1))' >$@

.PHONY: FORCE debug packages-test packages-lint
FORCE:

## debug: build build/debug/prefect-k8s-worker with AddressSanitizer and UBSan
debug: $(B)/debug/prefect-k8s-worker

packages-test packages-lint: packages-%:
	@tools/install-packages $*

# -- unit tests: tests/unit/FOLDER/FILE_test.c is one cmocka program

UNIT_SOURCES := $(sort $(if $(T),tests/unit/$(T)_test.c,\
    $(if $(ROOMS),$(wildcard $(ROOMS:%=tests/unit/%/*_test.c)),$(wildcard tests/unit/*/*_test.c))))
UNIT_PROGRAMS := $(UNIT_SOURCES:%.c=$(B)/debug/%)

$(B)/debug/tests/unit/%_test: tests/unit/%_test.c $(B)/debug/libsrc.a $(B)/flags-debug \
    | packages-test
	@mkdir -p $(@D)
	$(say) CC-TEST $<
	$(q)$(CC_debug) $(CFLAGS_debug) -Itests/unit -MMD -MP $< -o $@ $(LDFLAGS_debug) \
	    -Wl,--start-group $(B)/debug/libsrc.a $(LIBS_debug) -Wl,--end-group -lcmocka

.PHONY: check
## check: build and run the unit tests (one of them: make check T=base/arena)
check: $(UNIT_PROGRAMS)
	@tools/run-unit $(B)/results/check.txt $(JOBS) $(UNIT_PROGRAMS)

# -- all tests

# Each suite is a target of this name that writes $(B)/results/NAME.txt ("passed failed").
# The fragments below add theirs: TEST_SUITES += NAME
TEST_SUITES := check

-include tools/tools.mk tests/tests.mk tests/fuzz/fuzz.mk tests/slugs/slugs.mk tests/parity/parity.mk \
    tests/bench/bench.mk tests/e2e/e2e.mk tests/demo/demo.mk

.PHONY: test
## test: run every suite but the end-to-end one; the last line says N passed, N failed
test:
	@rm -rf $(B)/results
	@for suite in $(TEST_SUITES); do echo "== $$suite"; $(MAKE) --no-print-directory $$suite || true; done
	@tools/tally $(B)/results $(TEST_SUITES)

# -- the rest

.PHONY: clean help
## clean: remove build/ (the cache in $(CACHE) stays)
clean:
	rm -rf $(B)

## help: list the targets
help:
	@sed -n 's/^## \([^:]*\): \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | \
	    awk -F '\t' '{ printf "  make %-16s %s\n", $$1, $$2 }'

# V=1 shows the commands.
q := $(if $(V),,@)
say := @$(if $(V),:,printf '  %-9s %s\n')

-include $(OBJECTS_release:.o=.d) $(OBJECTS_debug:.o=.d) $(UNIT_PROGRAMS:%=%.d)
