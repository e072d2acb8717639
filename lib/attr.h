/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The object of options: what a handle reads when it is opened. */
#ifndef IPCLOCK_ATTR_OBJECT_H
#define IPCLOCK_ATTR_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "os.h"

struct ipclock_attr {
	struct options options;
	struct os_range range;
	unsigned slot;
	unsigned perm;
	bool slot_set;
	bool range_set;
	bool whole; /* flock(2) in place of byte ranges */
	bool create;
	bool make_parents;
};

/* What holds where no object was given. */
extern const struct ipclock_attr ipclock__attr_defaults;

#endif
