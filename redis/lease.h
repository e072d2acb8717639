/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The protocol "lease": who holds and who waits stands in the server's keys
 * (script.h), with the end of each one's lease.  Here is what is asked and what
 * the answers mean; lock.c knows when to ask.
 */
#ifndef IPCLOCK_REDIS_LEASE_H
#define IPCLOCK_REDIS_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "connection.h"
#include "script.h"

#define OWNER_SIZE 33

struct lease {
	struct connection *connection;
	struct scripts scripts;
	char owner[OWNER_SIZE]; /* new with each connection */
	int lease_ms;
	char *names;            /* one allocation for what follows */
	char *key[KEYS];
	char *channel;          /* where an owner is woken, without the owner */
	char *own_channel;
};

/* PREFIX{NAME}; bytes of the name that would end the hash tag are written as %XX. */
int ipclock__lease_make(struct lease *lease, const char *prefix, const char *name);
void ipclock__lease_free(struct lease *lease);

/* For a new connection. */
void ipclock__lease_begin(struct lease *lease, const unsigned char random[16]);

struct lease_answer {
	uint64_t token;    /* 0: not granted */
	int64_t ends_ms;   /* not granted: when a lease or place in the way ends, from now */
	int64_t number;    /* how many are before us in the line; -1: we do not stand in it */
	redisReply *reply; /* for ipclock__lease_take_over(); to be freed */
};

/*
 * Asks for the lock; with stand, takes or keeps a place in the line.  0, or an
 * error; reply is freed by ipclock__lease_answered() after 0.
 */
int ipclock__lease_ask(struct lease *lease, char mode, bool stand, struct lease_answer *answer);
void ipclock__lease_answered(struct lease_answer *answer);

/* Clears away those in the way whose connection is gone: *taken. */
int ipclock__lease_take_over(struct lease *lease, const struct lease_answer *answer, bool *taken);

/* ESTALE: nothing is held any more. */
int ipclock__lease_renew(struct lease *lease);

/* Gives back what is held or the place in the line.  ESTALE: nothing was held. */
int ipclock__lease_give(struct lease *lease);

/* Who holds and who waits, as SCRIPT_WHO tells it; the reply is to be freed. */
int ipclock__lease_who(struct lease *lease, redisReply **reply);

#endif
