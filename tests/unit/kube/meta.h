/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_KUBE_META_H
#define UNIT_KUBE_META_H

/* The metadata of an object, for the tests of decoders. */

#define META                                                                         \
    "\"metadata\":{\"name\":\"j\",\"namespace\":\"n\",\"uid\":"                      \
    "\"11111111-2222-4333-8444-555555555555\",\"resourceVersion\":\"42\","           \
    "\"creationTimestamp\":\"2026-01-02T03:04:05Z\",\"labels\":{\"prefect.io/x.y\":" \
    "\"v\\u00e4\",\"empty\":\"\"}}"

#endif
