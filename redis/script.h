/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The transitions of a lock, each one script that the server runs as a whole,
 * by the server's own clock.  They are sent once and called by their hash.
 *
 * The keys of a lock, all in one hash slot:
 *
 *	PREFIX{NAME}:state	hash: owner -> "MODE CLIENT RUN_ID TOKEN" of a holder, "MODE CLIENT RUN_ID" of a
 *				waiter; "!" -> the mode that is held
 *	PREFIX{NAME}:holders	sorted set: owner by the end of its lease
 *	PREFIX{NAME}:queue	sorted set: owner by its number in the line
 *	PREFIX{NAME}:places	sorted set: owner by the end of its place in the line
 *	PREFIX{NAME}:fence	the last token; never removed
 *
 * An owner is a random number; times are milliseconds.  All but the fence
 * expire with the last lease or place.
 */
#ifndef IPCLOCK_REDIS_SCRIPT_H
#define IPCLOCK_REDIS_SCRIPT_H

#include "connection.h"

#define KEYS 5

enum script {
	SCRIPT_ASK,      /* ARGV: owner, channel, mode, client, run_id, lease, "1": stand in line */
	SCRIPT_RENEW,    /* ARGV: owner, channel, lease */
	SCRIPT_GIVE,     /* ARGV: owner, channel: gives back what is held, or the place in the line */
	SCRIPT_TAKE,     /* ARGV: owner, channel, record: as that owner would, if it is still so recorded */
	SCRIPT_WHO,      /* ARGV: owner, channel: changes nothing */
	SCRIPTS
};

/* Which are known to the server, and by what hash; zeroed at first. */
struct scripts {
	char sha[SCRIPTS][41];
};

/*
 * Runs one: one round trip where the server knows it.  words has the script's
 * keys and arguments, behind room for KEYS_AT words.
 */
#define KEYS_AT 3
int ipclock__redis_run(struct connection *c, struct scripts *scripts, enum script which, struct command *words,
    redisReply **reply);

#endif
