/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Names of files by a pattern, as Python's str.format() makes them of {name}
 * and {number}: the latter as {number}, or with a width as {number:3},
 * {number:03}, {number:03d}; {{ and }} are braces.
 */
#ifndef IPCLOCK_PATTERN_H
#define IPCLOCK_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* EINVAL: not such a pattern.  ENAMETOOLONG: buffer is too small. */
int ipclock__pattern_format(const char *pattern, const char *name, unsigned number, char *buffer, size_t size);

/* Does it make another name of another number? */
bool ipclock__pattern_counts(const char *pattern, const char *name);

#endif
