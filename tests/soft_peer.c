/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* For soft_peers.sh: "try PATH" says free or busy; "hold PATH" says held, and releases at the end of its input. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ipclock.h>

int
main(int argc, char **argv)
{
	struct ipclock_soft *soft;
	int error;

	if (argc != 3 || ipclock_soft_open(&soft, argv[2], NULL) != 0)
		return 2;
	error = ipclock_soft_acquire(soft, 0);
	if (error != 0 && error != EBUSY)
		printf("error: %s\n", ipclock_soft_message(soft));
	else if (error == EBUSY)
		printf("busy\n");
	else
		printf("%s\n", strcmp(argv[1], "hold") == 0 ? "held" : "free");
	fflush(stdout);
	while (error == 0 && strcmp(argv[1], "hold") == 0 && getchar() != EOF)
		;
	ipclock_soft_close(soft);
	return 0;
}
