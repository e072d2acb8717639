/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * A redis-server of the test's own, on a unix socket in the test's directory, and
 * others on free ports; REDIS_SERVER in the environment is another program than
 * the redis-server on the PATH.
 */
#ifndef TESTS_REDIS_SERVER_H
#define TESTS_REDIS_SERVER_H

#include <stdint.h>
#include <sys/types.h>

#include <ipclock-redis.h>

#include "support.h"

#define STATE   "ipclock:{lock}:state"
#define HOLDERS "ipclock:{lock}:holders"
#define QUEUE   "ipclock:{lock}:queue"
#define PLACES  "ipclock:{lock}:places"
#define FENCE   "ipclock:{lock}:fence"

/* A lease that no test outlives: what is free before was freed by something else. */
#define NO_END 3600000

/* Is there a redis-server here at all? */
int server_there(void);

/* Starts and ends it around each test; or skips what is tested where there is none: 0. */
int server_fixture(TCase *t, const char *what);

/* Starts it, with persistence of each write or without, and waits until it answers. */
void server_start(int persistent);

/* kill(2) and, for SIGKILL, wait until it is gone. */
void server_kill(int sig);
pid_t server_pid(void);

/* For teardowns: ends it and the others if there are any. */
void server_end(void);

/* Another, number 0 to 3, with more arguments up to a NULL.  After a kill by the same number it is the same again. */
#define MOST_OTHERS 4
void other_start(int i, const char *const *more);
void other_kill(int i, int sig);
int other_port(int i);

/* One that is free now. */
int free_port(void);

/* redis://127.0.0.1:PORT; valid until it is asked for again. */
const char *other_url(int i);

/* Makes it a replica of another, and waits until it is in step. */
void other_follow(int replica, int primary);

/* Makes a cluster of the numbers 0 and 1, which were started for that: which has the slot of "lock". */
int cluster_of_two(void);

/* As server_do() and server_number(). */
const char *other_do(int i, const char *format, ...) __attribute__((format(printf, 2, 3)));
long other_number(int i, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* unix://PATH */
const char *server_url(void);

/* A command by a connection of the test's: its answer as text, the last element of an array; "(nil)". */
const char *server_do(const char *format, ...) __attribute__((format(printf, 1, 2)));
long server_number(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Opens or fails the test; open_lock() is "lock", with a lease of NO_END. */
struct ipclock_redis *open_lease(const char *name, int lease_ms);
struct ipclock_redis *open_lock(void);
uint64_t token_of(struct ipclock_redis *r);
void await_waiters(int n);

/* The losses that were told of what is watched, in this process. */
extern atomic_int losses;
void count_loss(void *ctx);

/* Acquires; it is renewed by its thread, and its loss is counted. */
void hold_watched(struct ipclock_redis *r);

/* It says so by each call, once, and has told it once. */
void must_be_lost(struct ipclock_redis *r);

/* A child, for in_child(), of who holds r: 0 if it neither holds nor frees. */
int child_of_a_holder(void *r);

/* The same of two that hold one after the other, the second with a thread. */
void child_must_not_hold(struct ipclock_redis *r, struct ipclock_redis *watched);

/* A child that acquires r and lives on, and so does a child of it. */
pid_t spawn_family(struct ipclock_redis *r, pid_t *grandchild);

/* By SIGKILL, even if it is stopped. */
void end_child(pid_t pid);

/* A child that acquires "lock" in mode R or W, writes its letter when it holds, releases, and exits with the error. */
pid_t spawn(char mode, char letter, int fd, int timeout_ms);

#endif
