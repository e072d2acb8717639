/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* A process for each test: forked, or this program once more. */
#ifndef TAP_PROCESS_H
#define TAP_PROCESS_H

/* Before any output. */
void tap_process_begin(void);

/* The number of the test that this process was started for; -1: for all. */
int tap_process_case(void);

/*
 * Calls run(n) in a process of its own, and ends what that process started and
 * left running: 0, its exit status, or 1 if it was killed or took longer.
 */
int tap_process_run(int n, double seconds, void (*run)(int n));

/* Ends this process at once. */
_Noreturn void tap_process_exit(int status);

#endif
