/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What the files for open file description locks share. */
#ifndef IPCLOCK_OS_RANGE_OFD_H
#define IPCLOCK_OS_RANGE_OFD_H

#include <fcntl.h>
#include <unistd.h>

#include "os.h"

static inline struct flock
ipclock__os_range_request(struct os_range range, enum os_mode mode)
{
	return (struct flock){
		.l_type = mode == OS_EXCLUSIVE ? F_WRLCK : mode == OS_SHARED ? F_RDLCK : F_UNLCK,
		.l_whence = SEEK_SET,
		.l_start = range.start,
		.l_len = range.len,
	};
}

/* The library's name of an errno value of fcntl(2). */
int ipclock__os_range_error(int error);

#endif
