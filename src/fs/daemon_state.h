/* daemon_state.h - what the parts of the daemon share: its start (daemon_start.c), and what it does then (daemon.c). */
#ifndef FS_DAEMON_STATE_H
#define FS_DAEMON_STATE_H

#include "channel.h"
#include "confinement.h"
#include "notify.h"
#include "plan.h"
#include "session.h"
#include "sides.h"
#include "sweep.h"
#include "watch.h"

struct daemon {
	const struct plan *plan;
	uid_t administrator; /* who has mounted it */
	int channel;	     /* -1: the supervisor is gone */
	int signals;
	int session_end;
	int memory;
	struct tree_memory nodes;
	bool refuses_resent; /* what the kernel sends again: others have died of it */
	struct tree_side tree_side;
	struct run_side run_side;
	struct session *tree;
	struct session *run; /* NULL: there is no run side */
	struct notify *notify;
	struct sweep sweep;
	struct watch watch;
	struct hook_feed hook_feed;
	bool wants_reload; /* to put right what differs from the policy bundle */
	uint64_t leave_ms; /* clock_monotonic_ms at which it ends although somebody writes; 0: it does not leave */
	struct confinement confinement;
	bool quit;
};

/* First of all: what daemons before have left. */
int daemon_receive_memory(struct daemon *d);
/* What is served is open, and its errors have been told; -EINVAL: a bad configuration. */
int daemon_open(struct daemon *d);
/* In step with the supervisor, until all is served. What fails has been said. */
int daemon_come_up(struct daemon *d);
/* Its result says that no daemon of this program can take over. */
bool daemon_cannot_take_over(int r);

#endif
