/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What failed, as a sentence, for a handle and for the thread. */
#ifndef IPCLOCK_REDIS_MESSAGE_H
#define IPCLOCK_REDIS_MESSAGE_H

#define MOST_TEXT 384

struct message {
	char text[MOST_TEXT];
};

/*
 * Notes "operation name: reason" (or what the error means, where reason is NULL
 * or "") in message, if there is one, and for the calling thread; error 0 notes
 * that nothing failed.  name may be NULL.  Returns the error.
 */
int ipclock__redis_outcome(struct message *message, const char *operation, const char *name, const char *reason,
    int error);

/* The calling thread's last. */
const char *ipclock__redis_message_last(void);

#endif
