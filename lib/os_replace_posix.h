/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What the files behind os_replace.h ask of each other. */
#ifndef IPCLOCK_OS_REPLACE_POSIX_H
#define IPCLOCK_OS_REPLACE_POSIX_H

#include <sys/stat.h>

#include "os_replace.h"

/* openat(2), from the descriptor 3 on, closed on exec; EINTR stays inside. */
int ipclock__os_open_at(struct os_file *file, int dir, const char *name, int flags, mode_t perm);

/* Owner and group of st for file, and what came of it. */
int ipclock__os_carry_owner(const struct os_file *file, const struct stat *st, struct os_traits *traits);

#endif
