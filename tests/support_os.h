/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What support.c wants of a system, besides what support.h says: support_posix.c or support_win32.c. */
#ifndef TESTS_SUPPORT_OS_H
#define TESTS_SUPPORT_OS_H

#define SUPPORT_DIRECTORY 128

/* A new one for files that do not last; its path, with slashes, has room for SUPPORT_DIRECTORY bytes. */
void support_make_directory(char *path);
void support_remove_directory(const char *path);

/* In a process of test_spawn(): does what it is for, and does not return; with_directory() is called first. */
void support_spawned(void (*with_directory)(const char *path));

/* How many threads there are, or a number that grows with them. */
int support_threads(void);

#endif
