/*
 * isolate.h - what a process does first that is to serve: it leaves its terminal, its user, its privileges, and all
 * that it will not need (confinement.h).
 */
#ifndef FS_ISOLATE_H
#define FS_ISOLATE_H

#include "confinement.h"

/* Before it opens anything, and before there is a second thread. What goes wrong has been said. */
int isolate_daemon(const struct plan *plan, struct confinement *ret);

/* A signalfd of those that are for the daemon. The supervisor has blocked these already; every thread inherits that. */
int isolate_open_signals(void);

/* From here on there is nothing but serving. What goes wrong has been said. */
int isolate_close_calls(const struct confinement *confinement);

#endif
