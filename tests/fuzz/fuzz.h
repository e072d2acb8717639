/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What the harnesses share. */
#ifndef IPCLOCK_FUZZ_H
#define IPCLOCK_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What libFuzzer, afl-fuzz and replay.c call with some bytes, again and again in one process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must be true of any input; assert() may be configured away. */
#define MUST(what) \
	do { \
		if (!(what)) { \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #what); \
			abort(); \
		} \
	} while (0)

/* The bytes as a string with nothing behind it, so that one byte read too far is seen. */
static inline char *
fuzz_string(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

#endif
