/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Is the owner of a marker alive?  Dead is what is proven, as by no such process
 * in our own boot and pid namespace, or another boot of this machine; all else
 * is unknown, and an unknown owner is treated as a live one.
 */
#ifndef IPCLOCK_OWNER_H
#define IPCLOCK_OWNER_H

#include "marker.h"
#include "os_soft.h"

enum owner_state { OWNER_UNKNOWN, OWNER_ALIVE, OWNER_DEAD };

/* life is ipclock__os_life(), or a test's. */
enum owner_state ipclock__owner_judge(enum marker_format format, const struct marker *marker,
    const struct os_system *us, enum os_life (*life)(long pid, uint64_t started));

/* A number for boot and namespace, for the names of files beside a lock. */
uint32_t ipclock__owner_hash(const struct os_system *system);

#endif
