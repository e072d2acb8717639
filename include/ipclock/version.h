/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What the library says of itself and of its errors. */
#ifndef IPCLOCK_VERSION_H
#define IPCLOCK_VERSION_H

/* The one of our errors that the C library of Windows lacks, with the value that its sockets have. */
#if defined(_WIN32) && !defined(ESTALE)
#define ESTALE 10070
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that the program runs with, as in "1.2.3". */
const char *ipclock_version(void);

/*
 * What an error means here, as in "timed out" for ETIMEDOUT; for an
 * errno value that is not one of ours, what the system says of it.  Never NULL.
 * Valid for ever, or until this thread's next call.
 */
const char *ipclock_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif
