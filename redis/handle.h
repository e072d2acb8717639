/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * What is behind struct ipclock_redis.
 *
 *	FREE -> WAITING -> HELD -> FREE
 *	  \________________^  \-> LOST -> FREE, by the call that says so
 *
 * The mutex is for the handle's one thread and its helper, which renews; ends
 * and token may be read without it.  Sockets are opened and closed with the
 * process lock, so that a fork(2) sees them whole.
 */
#ifndef IPCLOCK_REDIS_HANDLE_H
#define IPCLOCK_REDIS_HANDLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "attr.h"
#include "connection.h"
#include "lease.h"
#include "message.h"
#include "os_redis.h"
#include "url.h"

#define MOST_CHANNEL  256 /* bytes of a name, in the protocol portalocker */
#define MOST_SUSPECTS 8
#define MOST_TRIES    3   /* from one server to another, in one call */

enum state { FREE, WAITING, HELD, LOST };

struct ipclock_redis {
	struct os_redis_mutex mutex;
	struct ipclock_redis_attr attr;
	struct urls urls;
	int at;                    /* the server of urls that we use */
	struct os_tls_store *store; /* for rediss://; no thread is in it when a child is made */
	struct url node;           /* where that one sent us instead; text NULL: nowhere */
	char *name;
	int64_t limit;             /* no wait for a server lasts longer */
	struct connection commands;
	struct connection news;    /* subscribed to where we are woken; only for who has waited */
	struct lease lease;
	bool by_channel;           /* the protocol is portalocker */
	struct connection channel; /* HELD, by_channel: what holds */
	int64_t pinged;            /* WAITING, by_channel: when, and whether it was answered */
	bool answered;
	bool listening;            /* WAITING: news is subscribed */
	int suspects;              /* who is killed if it is not */
	int64_t suspect[MOST_SUSPECTS];
	enum state state;
	_Atomic int64_t ends;      /* HELD: until when by our clock; else 0 */
	_Atomic uint64_t token;    /* of what is held */
	int64_t due;               /* HELD: when it should be renewed */
	char mode;                 /* 'R' or 'W' */
	int64_t deadline;          /* WAITING: the end of it */
	bool once;                 /* WAITING: it asks once, and does not wait */
	int64_t next_ask;          /* WAITING: when to ask if nothing wakes us */
	bool fresh;                /* WAITING: nobody was asked yet */
	bool deaf;                 /* WAITING: news cannot be had */
	unsigned pauses;
	uint32_t seed;
	void (*lost)(void *ctx);
	void *ctx;
	bool tell;                 /* lost, and the callback has not been called */
	bool threaded;             /* there is a thread that renews */
	bool stop;                 /* it shall end */
	struct os_redis_thread thread;
	_Atomic bool busy;         /* somebody has the mutex */
	bool forked;               /* we are the child of who used it last */
	bool torn;                 /* and that one was busy just then */
	bool cancelled;            /* and a wait went with the parent */
	struct message message;
	struct ipclock_redis *next;
};

/* ---- session.c: connections, forks ---- */

int ipclock__session_make(struct ipclock_redis *r);
void ipclock__session_free(struct ipclock_redis *r);

/* The mutex.  No wait goes on beyond the end of what is held. */
void ipclock__session_lock(struct ipclock_redis *r);
void ipclock__session_unlock(struct ipclock_redis *r);

/* Connects where there is no connection, to the first primary of the list that answers. */
int ipclock__session_need(struct ipclock_redis *r);

/* This server is the wrong one, as it has said: a replica, or another node. */
bool ipclock__session_misled(const struct ipclock_redis *r, int error);

/* The lock's keys are on their way from one node to another. */
bool ipclock__session_between(const struct ipclock_redis *r, int error);

/* After an error that another connection may mend: ends this one.  false: it is not such an error. */
bool ipclock__session_retry(struct ipclock_redis *r, int error);

/* Another connection to the same server. */
int ipclock__session_open(struct ipclock_redis *r, struct connection *c);

/* Subscribes to where we are woken.  After an error there are only pauses. */
int ipclock__session_listen(struct ipclock_redis *r);

/* Ends all connections: the server then sees that we are gone. */
void ipclock__session_end(struct ipclock_redis *r);

/* First in each call: after a fork nothing of the parent's is ours. */
void ipclock__session_adopt(struct ipclock_redis *r);

/* ---- renew.c: what is held ---- */

void ipclock__hold(struct ipclock_redis *r, uint64_t token, int64_t asked);
void ipclock__hold_for_ever(struct ipclock_redis *r);
/* Tells the server that what is held, or the place in the line, is given up. */
int ipclock__give(struct ipclock_redis *r);
void ipclock__let_go(struct ipclock_redis *r);

/* The server cannot keep what is held any more, by what a command has said. */
bool ipclock__loses(const struct ipclock_redis *r, int error);
void ipclock__lose(struct ipclock_redis *r);

/* Notices a lease that is over and a connection that has ended.  true: it is lost, now or before. */
bool ipclock__is_lost(struct ipclock_redis *r);

/* The socket by which it is heard that what is held is lost, or -1. */
int ipclock__held_fd(const struct ipclock_redis *r);

/* 0, ESTALE: it is lost; another error: not renewed, but held still. */
int ipclock__renew(struct ipclock_redis *r);

/* Without the mutex: calls the callback if it is time. */
void ipclock__tell_loss(struct ipclock_redis *r);

int ipclock__renewing_start(struct ipclock_redis *r);
void ipclock__renewing_stop(struct ipclock_redis *r);

/* ---- portalocker.c ---- */

/* Can it be a channel there?  It is part of a client's name. */
bool ipclock__portalocker_name_fits(const char *name);

/* One try: 0, EBUSY, or an error. */
int ipclock__portalocker_ask(struct ipclock_redis *r);

/* What was pushed to a waiter. */
void ipclock__portalocker_heard(struct ipclock_redis *r, const redisReply *reply);

/* Answers pings.  false: the lock is lost. */
bool ipclock__portalocker_serve(struct ipclock_redis *r);

/* The same, and makes the server show that it is there. */
bool ipclock__portalocker_renew(struct ipclock_redis *r);

/* Gives back what is held. */
int ipclock__portalocker_give(struct ipclock_redis *r);

/* ---- wait.c: one request from its first ask to its end ---- */

/* 0, EINPROGRESS, or how it ended. */
int ipclock__wait_start(struct ipclock_redis *r, char mode, int timeout_ms);
int ipclock__wait_step(struct ipclock_redis *r, int *wait_ms);

/* The same until it has ended. */
int ipclock__wait_run(struct ipclock_redis *r, char mode, int timeout_ms);

/* Leaves the line. */
void ipclock__wait_end(struct ipclock_redis *r);

#endif
