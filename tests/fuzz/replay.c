/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* replay FILE...: a harness without a fuzzer: each file, each of its beginnings, and each with one byte changed. */

#include "fuzz.h"

#define MOST 65536

static size_t
read_file(const char *path, uint8_t *data)
{
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	size = fread(data, 1, MOST, file);
	fclose(file);
	return size;
}

static unsigned long
replay(uint8_t *data, size_t size)
{
	static const uint8_t bytes[] = { 0, '\n', ' ', '-', '0', '9', ':', 0x7f, 0x80, 0xff };
	size_t at, i;
	uint8_t kept;

	for (at = 0; at <= size; at++)
		LLVMFuzzerTestOneInput(data, at);
	for (at = 0; at < size; at++) {
		kept = data[at];
		for (i = 0; i < sizeof(bytes); i++) {
			data[at] = bytes[i];
			LLVMFuzzerTestOneInput(data, size);
		}
		data[at] = kept;
	}
	return size + 1 + size * sizeof(bytes);
}

int
main(int argc, char **argv)
{
	static uint8_t data[MOST];
	unsigned long runs = 0;
	int i;

	for (i = 1; i < argc; i++)
		runs += replay(data, read_file(argv[i], data));
	printf("%lu inputs from %d files\n", runs, argc - 1);
	return runs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
