# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # read by fetch and build, which source this file
# BearSSL: TLS, X.509, and the SHA-1 and SHA-256 that the worker needs itself.
name=bearssl
version=0.6
licence=MIT
licence_file=LICENSE.txt
home=https://bearssl.org/

# Debian's tarball is upstream's without a few files that are not free; what we compile is equal.
debian_source=bearssl
debian_file=bearssl_0.6+dfsg.1.orig.tar.xz
debian_sha256=102a625bd8f6155260867a50c508df8d8c3f796985dd744df1a68e5cd1a79004

upstream_file=bearssl-0.6.tar.gz
upstream_sha256=6705bba1714961b41a728dfc5debbe348d2966c117649392f8c8139efc83ff14
upstream_url=https://bearssl.org/bearssl-0.6.tar.gz

# The seeder asks getentropy(): /dev/urandom need not exist in the container.
build_bearssl() {
    make -s -j "$JOBS" lib CC="$CC" LD="$CC" AR="$AR" \
        CFLAGS="$CFLAGS -DBR_USE_GETENTROPY=1 -DBR_USE_URANDOM=0 -Wno-unused-parameter"
    cp build/libbearssl.a "$PREFIX/lib/"
    cp inc/*.h "$PREFIX/include/"
}
