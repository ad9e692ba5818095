/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORMAT_QUANTITY_H
#define FORMAT_QUANTITY_H

/*
 * Kubernetes quantities ("8Mi", "1.5G", "2e6", "500m") as whole bytes. The suffixes are those of
 * apimachinery's resource.Quantity: n u m, k M G T P E, Ki Mi Gi Ti Pi Ei, or a decimal exponent.
 */

#include "base/str.h"

/* Rounded up to a whole number, as Kubernetes does. False, and *out untouched, for anything that is
 * no quantity, is negative or does not fit. */
bool quantity_parse(str text, uint64_t *out);

#endif
