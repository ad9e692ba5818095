/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_KUBE_PEM_H
#define UNIT_KUBE_PEM_H

/* A CA, and a client certificate of it with its key, made for the tests (valid for a century). */

/* clang-format off */
#define CA_PEM \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIBfDCCASGgAwIBAgIUEuCHstkDCLcu4vYoaLTxtQDFFnowCgYIKoZIzj0EAwIw\n" \
    "EjEQMA4GA1UEAwwHdGVzdCBjYTAgFw0yNjExMjQwNjIxMzhaGA8yMTI2MTAzMTA2\n" \
    "MjEzOFowEjEQMA4GA1UEAwwHdGVzdCBjYTBZMBMGByqGSM49AgEGCCqGSM49AwEH\n" \
    "A0IABB68S9L99O9Y3Dwgbf1FrZyY1VEsrUq7muX5m33Wy4ij05ivdRisMNz0xwsc\n" \
    "V1XO+DnIph65HnwKKsltF2uLvmmjUzBRMB0GA1UdDgQWBBRil1fD6FsmfgniHDbr\n" \
    "67+mipDlTTAfBgNVHSMEGDAWgBRil1fD6FsmfgniHDbr67+mipDlTTAPBgNVHRMB\n" \
    "Af8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDfYMEn0NRt5M7BVVY2TLTaMiFD\n" \
    "eX4eFcI7SXDtuYidIQIhALCoQCi61T37SJap+rKhxgjbJiXkuJdi9mVhgNBuEQam\n" \
    "-----END CERTIFICATE-----\n"
#define CLIENT_PEM \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIBLTCB1AIUVaMsT+EhPyB2+ZZR7MVcHKyK1q0wCgYIKoZIzj0EAwIwEjEQMA4G\n" \
    "A1UEAwwHdGVzdCBjYTAgFw0yNjExMjQwNjIxMzhaGA8yMTI2MTAzMTA2MjEzOFow\n" \
    "HzEPMA0GA1UEAwwGY2xpZW50MQwwCgYDVQQKDANkZXYwWTATBgcqhkjOPQIBBggq\n" \
    "hkjOPQMBBwNCAAQm9QUIilCtmDNLXKV6TMBpu8Q17ydDSngtlT5k+Ntuk5B3WW87\n" \
    "4M+DlTW5iCN7ngjoJr80sZxzB4pmWZA/dAdUMAoGCCqGSM49BAMCA0gAMEUCIDo/\n" \
    "IMzih2tOGxxdMBXrC6N90kxswfD9hL4OrPJJZUcIAiEAvJn4NjChDbFY0wpNt9FV\n" \
    "pS/fRMQdnQRPoMLnng/l87o=\n" \
    "-----END CERTIFICATE-----\n"
#define CLIENT_KEY_PEM \
    "-----BEGIN EC PRIVATE KEY-----\n" \
    "MHcCAQEEIP3YlmXTENuYxyZRZggUwLWD6e8jscVMoi4HynaSxd6NoAoGCCqGSM49\n" \
    "AwEHoUQDQgAEJvUFCIpQrZgzS1ylekzAabvENe8nQ0p4LZU+ZPjbbpOQd1lvO+DP\n" \
    "g5U1uYgje54I6Ca/NLGccweKZlmQP3QHVA==\n" \
    "-----END EC PRIVATE KEY-----\n"
#define CA_MARK "c37dfe21" /* of the CA */
/* clang-format on */

#endif
