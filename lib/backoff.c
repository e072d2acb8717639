/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <limits.h>

#include "backoff.h"

/* Marsaglia's xorshift32: no global state, as rand(3) has. */
static uint32_t
next_random(uint32_t *seed)
{
	uint32_t x = *seed ? *seed : 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *seed = x;
}

static int64_t
jittered(int64_t pause, int percent, uint32_t *seed)
{
	int64_t spread = pause * percent / 100;

	return pause - spread + (int64_t)(next_random(seed) % (uint64_t)(2 * spread + 1));
}

int
ipclock__backoff_pause(const struct backoff *backoff, unsigned n, uint32_t *seed)
{
	int64_t pause = ((int64_t)n + 1) * backoff->step_ms;

	if (pause > backoff->max_ms)
		pause = backoff->max_ms;
	if (backoff->jitter_percent)
		pause = jittered(pause, backoff->jitter_percent, seed);
	if (pause < 1)
		return 1;
	return pause > INT_MAX ? INT_MAX : (int)pause;
}
