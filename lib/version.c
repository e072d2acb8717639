/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <config.h>

#include <stddef.h>

#include <ipclock/version.h>

#include "message.h"
#include "os.h"

const char *
ipclock_version(void)
{
	return PACKAGE_VERSION;
}

const char *
ipclock_strerror(int error)
{
	static _Thread_local char buffer[128];
	struct os_guard guard;
	const char *text;

	ipclock__os_enter(&guard);
	text = ipclock__message_error(error, buffer, sizeof(buffer));
	ipclock__os_leave(&guard);
	return text;
}
