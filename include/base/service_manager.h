/*
 * service_manager.h - tells systemd how this process is (sd_notify(3)), where systemd started it and asked for that
 * (Type=notify). Does nothing anywhere else, and in a build without libsystemd.
 *
 * status is one sentence for `systemctl status`, at most SERVICE_STATUS_SIZE - 1 bytes and one line of it; NULL: none.
 */
#ifndef BASE_SERVICE_MANAGER_H
#define BASE_SERVICE_MANAGER_H

#include "base/base.h"

#define SERVICE_STATUS_SIZE 512

/* It serves, from now on or again; this process is the one to watch. */
void service_manager_ready(const char *status);
void service_manager_status(const char *status);
void service_manager_reloading(void); /* ends with service_manager_ready */
void service_manager_stopping(void);
/* It is about to fail: a positive errno. What was said as status stays. */
void service_manager_failed(int error);

/* How often service_manager_alive is expected at least (WatchdogSec); 0: never. */
uint64_t service_manager_watchdog_ms(void);
void service_manager_alive(void);

/*
 * Descriptors that systemd keeps for the service beyond its processes (FileDescriptorStoreMax), by name, and gives to
 * its next one. keep: -ENOTCONN: there is no systemd that listens; -EOPNOTSUPP: a build without libsystemd.
 */
int service_manager_keep(const char *name, int fd);
void service_manager_drop(const char *name);
/* Returns when all that was said has been heard; within LIMIT_SERVICE_HEARD_MS. */
int service_manager_await_heard(void);
/* What was kept for this process, each O_CLOEXEC and the caller's: ret_fds[i] is that of names[i], or -1. Once. */
void service_manager_take_kept(const char *const names[], size_t count, int ret_fds[]);

/* Of a child that does not speak for the service, and of all that it starts. */
void service_manager_forget(void);

#endif
