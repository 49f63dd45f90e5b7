/*
 * watchdog.h - tells the service manager that the mount is alive, where it asks (WatchdogSec=): no more often than what
 * is served has really answered. Each round has two questions: the daemon's main thread is sent a PING on the channel,
 * and a process of its own asks both sides for their statfs, which only the daemon's other threads answer. A round
 * whose answers do not come is the last: no other begins, nothing is told, and the service manager does what its unit
 * says. A round that cannot begin, because there is no process or descriptor for it, is tried again soon.
 */
#ifndef FS_WATCHDOG_H
#define FS_WATCHDOG_H

#include <sys/types.h>

#include "plan.h"

struct watchdog {
	uint64_t pause_ms; /* between two rounds; 0: nobody asks */
	uint64_t due_ms;   /* clock_monotonic_ms of the next round; UINT64_MAX: not before this one is answered */
	pid_t probe;	   /* that asks the mount; 0: none */
	int probe_fd;	   /* pidfd, readable at its end; -1: none */
	bool daemon_has_answered;
	bool mount_has_answered;
};

#define WATCHDOG_NONE                                                                                                  \
	{                                                                                                              \
		.due_ms = UINT64_MAX, .probe_fd = -1                                                                   \
	}

void watchdog_init(struct watchdog *watchdog);
/* Whoever still asks the mount is killed, and waited for, but not for long: it may hang with the mount. */
void watchdog_done(struct watchdog *watchdog);

/* When it is due: begins a round. */
void watchdog_ask(struct watchdog *watchdog, const struct plan *plan, int channel);
/* Another daemon serves: what the one before was asked and has not answered. */
void watchdog_ask_again(struct watchdog *watchdog, int channel);
void watchdog_take_pong(struct watchdog *watchdog);
/* When probe_fd is readable. */
void watchdog_take_probe(struct watchdog *watchdog);

#endif
