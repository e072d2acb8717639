/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What the files for open file description locks share. */
#ifndef IPCLOCK_OS_RANGE_OFD_H
#define IPCLOCK_OS_RANGE_OFD_H

#include <fcntl.h>

#include "os.h"

struct flock ipclock__os_range_request(struct os_range range, enum os_mode mode);

/* The library's name of an errno value of fcntl(2). */
int ipclock__os_range_error(int error);

#endif
