/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Who holds a lock and who waits for it: a server's answer, told one by one. */
#ifndef IPCLOCK_REDIS_HOLDERS_H
#define IPCLOCK_REDIS_HOLDERS_H

#include <hiredis/hiredis.h>

struct ipclock_redis_holder;

/* reply is of ipclock__lease_who().  EPROTO: it cannot be understood. */
int ipclock__redis_tell(const redisReply *reply, int (*each)(void *ctx, const struct ipclock_redis_holder *holder),
    void *ctx);

#endif
