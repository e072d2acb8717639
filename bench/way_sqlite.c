/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* SQLite: BEGIN IMMEDIATE to write, BEGIN and a SELECT to read, then COMMIT. */
#include <stdio.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "way.h"

static void
must(sqlite3 *db, const char *statement)
{
	if (sqlite3_exec(db, statement, NULL, NULL, NULL) == SQLITE_OK)
		return;
	fprintf(stderr, "sqlite: %s: %s\n", statement, sqlite3_errmsg(db));
	exit(1);
}

static void *
open_database(const struct way *way, const char *path, unsigned slot)
{
	sqlite3 *db;

	(void)way;
	(void)slot;
	if (sqlite3_open(path, &db) != SQLITE_OK)
		die(path);
	sqlite3_busy_timeout(db, 3600000);
	must(db, "CREATE TABLE IF NOT EXISTS t (x)");
	return db;
}

static void
acquire(void *lock, int write)
{
	must(lock, write ? "BEGIN IMMEDIATE" : "BEGIN; SELECT * FROM t");
}

static void
release(void *lock, int write)
{
	(void)write;
	must(lock, "COMMIT");
}

static void
close_database(void *lock)
{
	sqlite3_close(lock);
}

const struct way sqlite_ways[] = {
	{ .name = "sqlite", .open = open_database, .acquire = acquire, .release = release, .close = close_database,
	    .shares = 1 },
	{ .name = NULL },
};
