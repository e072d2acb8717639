/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The ways to lock on a server that bench/redis measures, of those in C. */
#ifndef BENCH_REDIS_WAY_H
#define BENCH_REDIS_WAY_H

struct redis_way {
	const char *name;
	int (*open)(const struct redis_way *way, const char *url, const char *name);
	void (*acquire)(const struct redis_way *way); /* waits for ever */
	void (*release)(void);
	int protocol, readers, thread; /* of libipclock-redis */
	int step_ms, most_ms;          /* of who polls */
};

/* NULL: none of them.  An error of any ends the process with a message. */
const struct redis_way *redis_way(const char *name);

#endif
