# SPDX-License-Identifier: Apache-2.0
# The third-party libraries, built once per flavour into the cache, outside of the tree.
#   VENDOR_MUSL   what the product is linked with
#   VENDOR_GLIBC  the same for test builds, which run under sanitizers
# Depend on $(VENDOR_MUSL)/sources.txt or $(VENDOR_GLIBC)/sources.txt. The folder's name is a hash of
# recipes, patches, flags and compiler, so a change of any of them is a new build.

VENDOR_CC ?= gcc
VENDOR_CFLAGS_musl := -Os -g0 -fPIE -ffunction-sections -fdata-sections -fstack-protector-strong \
    -fno-unwind-tables -fno-asynchronous-unwind-tables
VENDOR_CFLAGS_glibc := -O1 -g -fPIE -fno-omit-frame-pointer

VENDOR_FILES := $(sort $(wildcard vendor/*.sh vendor/*.txt vendor/build vendor/static-pie-specs \
    vendor/patches/*/*.patch))
VENDOR_KEY := $(shell { cat $(VENDOR_FILES); echo '$(VENDOR_CFLAGS_musl) $(VENDOR_CFLAGS_glibc)'; \
    echo '$(VENDOR_CC) $(MUSL_SPECS) $(ALLOW_UNPATCHED_CURL)'; $(VENDOR_CC) -dumpfullversion || true; } 2>&1 | \
    sha256sum | cut -c 1-16)
VENDOR_MUSL := $(CACHE)/vendor/$(VENDOR_KEY)/musl
VENDOR_GLIBC := $(CACHE)/vendor/$(VENDOR_KEY)/glibc

$(VENDOR_MUSL)/sources.txt:
	@$(call vendor_build,musl)

$(VENDOR_GLIBC)/sources.txt:
	@$(call vendor_build,glibc)

vendor_build = CACHE='$(CACHE)' JOBS='$(JOBS)' CC='$(VENDOR_CC)' SOURCES='$(SOURCES)' \
    CFLAGS='$(VENDOR_CFLAGS_$(1))' ALLOW_UNPATCHED_CURL='$(ALLOW_UNPATCHED_CURL)' \
    MUSL_SPECS='$(MUSL_SPECS)' MAKEFLAGS= vendor/build $(1) '$(CACHE)/vendor/$(VENDOR_KEY)/$(1)'

.PHONY: vendor vendor-sources
## vendor: build the third-party libraries, both flavours
vendor: $(VENDOR_MUSL)/sources.txt $(VENDOR_GLIBC)/sources.txt

## vendor-sources: only fetch their sources, into DIR (to carry into an air-gapped network)
vendor-sources:
	@test -n '$(DIR)' || { echo 'say where to: make vendor-sources DIR=FOLDER' >&2; exit 1; }
	@for recipe in vendor/*.sh; do SOURCES='$(SOURCES)' vendor/fetch $$recipe '$(DIR)'; done
