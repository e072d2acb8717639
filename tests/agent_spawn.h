/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * How agent_client.c starts its agents and talks to them: agent_spawn_posix.c or
 * agent_spawn_win32.c, where agent_spawn(), agent_kill(), agent_stop() and
 * agent_end() are, too.
 */
#ifndef TESTS_AGENT_SPAWN_H
#define TESTS_AGENT_SPAWN_H

/* How many bytes were written. */
int agent_write(int fd, const char *text, int n);

/* Whether there is something to read, or the other end is gone, before so many milliseconds are over. */
int agent_readable(int fd, int ms);

/* 1: a byte was read. */
int agent_read(int fd, char *byte);

#endif
