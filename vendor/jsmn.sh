# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # read by fetch and build, which source this file
# jsmn: the JSON tokenizer behind src/format/json.c; one header, nothing to compile.
name=jsmn
version=1.1.0
licence=MIT
licence_file=LICENSE
home=https://github.com/zserge/jsmn

debian_source=jsmn
debian_file=jsmn_1.1.0.orig.tar.gz
debian_sha256=5f0913a10657fe7ec8d5794ccf00a01000e3e1f2f1e1f143c34a0f7b47edcb38

upstream_file=jsmn-1.1.0.tar.gz
upstream_sha256=5f0913a10657fe7ec8d5794ccf00a01000e3e1f2f1e1f143c34a0f7b47edcb38
upstream_url=https://github.com/zserge/jsmn/archive/v1.1.0.tar.gz

build_jsmn() {
    cp jsmn.h "$PREFIX/include/"
}
