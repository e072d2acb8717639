/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Errors as exit statuses. */

#include <errno.h>

#include "cli.h"
#include "system.h"

int
status_of(int error, int otherwise)
{
	switch (error) {
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case ENOLCK:
		return STATUS_SYSTEM;
	case EROFS:
	case ENOSPC:
		return STATUS_CREATE;
	case EACCES: /* the file could only be opened for reading */
		return STATUS_OPEN;
	default:
		return otherwise;
	}
}

int
status_of_making(int error, int otherwise)
{
	switch (error) {
	case EINVAL:
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case ENAMETOOLONG:
	case ELOOP:
		return STATUS_OPEN;
	case EACCES:
	case EPERM:
		return STATUS_CREATE;
	default:
		return is_full(error) ? STATUS_CREATE : status_of(error, otherwise);
	}
}
