/*
 * hooks.h - executables of the administrator's that are run after a decision, each with its audit record on stdin.
 *
 *     supervisor -- fork --> runner      before the daemon; the hooks' user, without privileges (hook_runner.c)
 *         |                    ^  |
 *         |                    |  +-- fork, exec, one at a time --> a hook (hook_process.h)
 *         | fork               | SOCK_SEQPACKET, a message for each record (hook_record.h)
 *         +----> daemon -------+ never waits: what does not fit is dropped and counted
 *
 * The runner executes, so that the daemon, which reads what comes from outside, need not be able to. Whatever becomes
 * of a hook or of the runner changes nothing for who uses the mount.
 */
#ifndef FS_HOOKS_H
#define FS_HOOKS_H

#include "audit/audit.h"
#include "base/log.h"
#include "privileges.h"

struct hooks_options {
	char *directory; /* absolute; NULL: there are no hooks */
	uid_t owner;	 /* who may own hooks, beside root: the configuration's owner */
	struct service_user user;
	uint64_t timeout_ms;
};

/* The supervisor's side. */
struct hooks {
	pid_t runner; /* 0: there is none */
	int feed;     /* the daemon's end of the socket, or -1 */
};

/* Starts the runner where there are hooks. That it cannot be started is logged: nothing is served less for it. */
struct hooks hooks_start(const struct hooks_options *options, const struct log_options *log);
/* Waits for the runner, which ends with the daemon, and ends it when it does not. */
void hooks_end(struct hooks *hooks);

/* The daemon's side; fd -1: there are no hooks. Used by one thread at a time. */
struct hook_feed {
	int fd;
	uint64_t dropped; /* since the last record that got through */
};

/* An audit_tell whose ctx is a struct hook_feed. */
void hook_feed_tell(void *feed, const struct audit_news *news);

#endif
