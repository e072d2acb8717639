/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include "options.h"
#include "os.h"

bool
ipclock__options_hold_signals(const struct options *options, int timeout_ms)
{
	return options->interruptible && timeout_ms != 0 && ipclock__os_signals_hold();
}

void
ipclock__options_sleep(const struct options *options, int ms)
{
	bool held = ipclock__os_signals_let();

	options->sleep(options->sleep_ctx, ms);
	if (held)
		ipclock__os_signals_hold();
}
