# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # read by fetch and build, which source this file
# curl: HTTP, HTTPS and WebSocket; 8.14.1 is the last release with a BearSSL backend (8.15.0
# removed it), so its security fixes come from Debian, which maintains this release: curl-cves.txt.
name=curl
version=8.14.1
licence=curl
licence_file=COPYING
home=https://curl.se/

debian_source=curl=8.14.1-2+deb13u5
debian_file=curl_8.14.1.orig.tar.gz
debian_sha256=6766ada7101d292b42b8b15681120acd68effa4a9660935853cf6d61f0d984d4

upstream_file=curl-8.14.1.tar.gz
upstream_sha256=6766ada7101d292b42b8b15681120acd68effa4a9660935853cf6d61f0d984d4
upstream_url=https://curl.se/download/curl-8.14.1.tar.gz

patches_file=curl_8.14.1-2+deb13u5.debian.tar.xz
patches_sha256=ebdfcfab1c2001c7a539fe2a4044dbf666a544393f191bedce9ee2d07c4ea925
patches_list=curl-cves.txt

# Stays in: HTTP/1.1, TLS, IPv6, proxies (HTTP CONNECT, HTTPS, SOCKS) with Basic authentication, the
# threaded resolver, the texts of the error buffer (curl_easy_strerror has none: src/net says it).
curl_options=(
    --disable-shared --enable-static --disable-dependency-tracking --without-pic
    --enable-http --disable-websockets --disable-verbose --enable-proxy --enable-ipv6
    --enable-threaded-resolver --enable-http-auth --enable-basic-auth
    --without-ca-bundle --without-ca-path --without-ca-fallback
    --disable-ftp --disable-file --disable-ipfs --disable-ldap --disable-ldaps --disable-rtsp
    --disable-dict --disable-telnet --disable-tftp --disable-pop3 --disable-imap --disable-smb
    --disable-smtp --disable-gopher --disable-mqtt --disable-manual --disable-docs
    --disable-libcurl-option --disable-ares --disable-httpsrr --disable-ech --disable-ssls-export
    --disable-bearer-auth --disable-digest-auth --disable-kerberos-auth --disable-negotiate-auth
    --disable-aws --disable-ntlm --disable-tls-srp --disable-unix-sockets --disable-cookies
    --disable-doh --disable-mime --disable-form-api --disable-netrc --disable-progress-meter
    --disable-sha512-256 --disable-dnsshuffle --disable-get-easy-options --disable-alt-svc
    --disable-headers-api --disable-hsts --disable-bindlocal
    --without-zlib --without-brotli --without-zstd --without-libpsl --without-libgsasl
    --without-libssh2 --without-libssh --without-librtmp --without-libidn2 --without-nghttp2
    --without-ngtcp2 --without-nghttp3 --without-quiche
)

build_curl() {
    # configure links against BearSSL, so it must be built already. PKG_CONFIG=false: what happens
    # to be installed on this machine must not change the library.
    ./configure -q --prefix=/usr --with-bearssl="$PREFIX" "${curl_options[@]}" \
        CC="$CC" AR="$AR" CFLAGS="$CFLAGS" PKG_CONFIG=false >configure.log 2>&1 || {
        tail -n 20 configure.log >&2
        return 1
    }
    make -s -j "$JOBS" -C lib libcurl.la
    cp lib/.libs/libcurl.a "$PREFIX/lib/"
    mkdir -p "$PREFIX/include/curl"
    cp include/curl/*.h "$PREFIX/include/curl/"
}
