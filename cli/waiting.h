/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What the files that wait need. */
#ifndef IPCLOCK_CLI_WAITING_H
#define IPCLOCK_CLI_WAITING_H

#include "hold.h"

/* waiting.c: waits for what was tried in vain since then: 0 (held) or an error. */
int waiting(struct hold *hold, int64_t since_us);
/* Until fd can be read (-1: never), or ms are over; EINTR: a signal was caught, EINPROGRESS. */
int waiting_pause(struct wait *wait, int fd, int ms);
/*
 * For an object that has no start and step: between its pauses, or in them if it
 * only ever pauses, signals come and the notice is drawn.
 */
void waiting_set_attr(struct ipclock_attr *attr, struct hold *hold);

/* notice.c: the line on a terminal that says what we wait for. */
struct notice {
	struct hold *hold;
	int64_t since_us;
	int64_t next_us;     /* when it is to be drawn; INT64_MAX without a terminal */
	int width;           /* of what stands there now */
};

void notice_open(struct notice *notice, struct hold *hold, int64_t since_us);
/* Draws it if it is time to, and says until when there is nothing to do, at most most_us. */
int64_t notice_draw(struct notice *notice, int64_t most_us);
void notice_erase(struct notice *notice);

#endif
