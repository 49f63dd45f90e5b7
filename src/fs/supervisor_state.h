/*
 * supervisor_state.h - what the parts of the supervisor share: events (supervisor_events.c), the daemon's start
 * (supervisor_start.c), another one in its place (supervisor_replace.c), the end (supervisor_end.c).
 */
#ifndef FS_SUPERVISOR_STATE_H
#define FS_SUPERVISOR_STATE_H

#include "base/service_manager.h"
#include "channel.h"
#include "memory.h"
#include "plan.h"
#include "watchdog.h"

#define SUPERVISOR_NO_DEADLINE UINT64_MAX

struct supervisor {
	struct plan *plan;
	struct log_options log;
	int signals;
	int channel;
	pid_t daemon; /* 0: there is none */
	pid_t held;   /* one that died, and cannot end yet; 0: none */
	int held_fd;  /* its pidfd */
	struct hooks hooks;
	char *program; /* that is executed for a restart */

	/* The connections: a daemon that dies is replaced while they are kept. -1: not, or not mounted. */
	int kept[MEMORY_SIDES];
	bool is_mounted[MEMORY_SIDES];
	int memory;
	int nodes;
	int count;	      /* for who is to serve after the supervisor's own death (kept.h); -1: nobody is */
	uint32_t incarnation; /* of the daemon that serves, or is to */
	unsigned deaths;      /* in a row */
	unsigned replaced;
	uint64_t serves_since_ms; /* clock_monotonic_ms; 0: it does not yet */
	int exit_code;		  /* of the last daemon that was reaped */

	/* What came and is not done, since no daemon was there for it. */
	unsigned reloads;
	bool wants_stop;
	bool wants_restart;
	uint64_t restart; /* the request that this program serves for */

	/* Of the program before this one; else none. */
	int program_before; /* to execute it again, until a daemon of ours has served */
	struct hooks hooks_before;
	char *failure; /* why it has the mount again */

	struct watchdog watchdog;
	struct fetcher fetcher;
	char summary[SERVICE_STATUS_SIZE]; /* of what is served, as the daemon says */
	char status[SERVICE_STATUS_SIZE];  /* for the service manager */
};

#define SUPERVISOR_NONE                                                                                                \
	{                                                                                                              \
		.signals = -1, .channel = -1, .held_fd = -1, .hooks = {.feed = -1}, .hooks_before = {.feed = -1},      \
		.kept = {-1, -1}, .memory = -1, .nodes = -1, .count = -1, .program_before = -1, .incarnation = 1,      \
		.watchdog = WATCHDOG_NONE, .fetcher = FETCHER_NONE                                                     \
	}

/* ---- supervisor_events.c ---- */

enum supervisor_event {
	EVENT_TIMEOUT = 1,
	EVENT_STOP,
	EVENT_RELOAD,
	EVENT_FETCH,
	EVENT_RESTART,
	EVENT_MESSAGE,
	EVENT_PROBE,
	EVENT_FETCHER,
	EVENT_DAEMON_GONE,
};

/* Blocks the signals that are events; a descriptor, or a negative errno. */
int supervisor_block_signals(void);
/* Waits for the next; a deadline that is over comes before messages. ret is set at EVENT_MESSAGE, without descriptor.
 */
enum supervisor_event supervisor_next_event(struct supervisor *s, bool wants_signals, uint64_t deadline_ms,
					    struct channel_message *ret);
/* What comes while no daemon serves: done, or numbered and remembered until one does. */
void supervisor_take_meanwhile(struct supervisor *s, enum supervisor_event event);

/* ---- supervisor.c ---- */

void supervisor_take_message(struct supervisor *s, const struct channel_message *message);

/* ---- supervisor_start.c ---- */

/* A child of this process; ready_fd is closed in it. */
int supervisor_start_daemon(struct supervisor *s, int ready_fd);
/*
 * Mounts what is not mounted, and returns when the daemon serves it all. -EINTR: told to end before the first has
 * served; -EPIPE: the daemon is gone and has said why; -ETIMEDOUT; -ECANCELED: the kernel refused, which has been said.
 */
int supervisor_bring_up(struct supervisor *s);
/* -ECANCELED: the kernel refused, which has been said. */
int supervisor_mount_side(struct supervisor *s, enum memory_side side);
/* Its exit code; a signal is a failure. */
int supervisor_reap_daemon(struct supervisor *s);
void supervisor_reap_held(struct supervisor *s);
/* What systemd is to say; summary is the daemon's. */
void supervisor_set_status(struct supervisor *s, const char *summary);

/* ---- supervisor_replace.c ---- */

/* After the first start: whether the kernel lets a daemon be replaced. Where it does not, the connections are the
 * daemon's alone: with it they are cut, and callers get errors at once. */
void supervisor_keep_or_not(struct supervisor *s);
void supervisor_cut_connections(struct supervisor *s);
/* For the last request, and all before. */
int supervisor_send_reload(struct supervisor *s);
/* What was asked while nobody served, or of the one that died. */
void supervisor_ask_again(struct supervisor *s);
/* There is no daemon: as supervisor_replace, without a death. */
int supervisor_start_another(struct supervisor *s);
/* The daemon is gone: 0: another one serves; -EPIPE: nobody does any more; -EINTR: told to end meanwhile. */
int supervisor_replace(struct supervisor *s);

/* ---- supervisor_restart.c ---- */

/* Does not return, or there is a daemon all the same: 0, and else as supervisor_replace. */
int supervisor_restart(struct supervisor *s);
/* For the process that goes on with it. */
struct takeover;
int supervisor_describe(const struct supervisor *s, struct takeover *ret);
/* The mount is another program's; what is taken of it is taken out. */
void supervisor_adopt(struct supervisor *s, struct takeover *takeover);
/* It cannot be served here: executes the program before, where there is one. */
void supervisor_give_back(struct supervisor *s);
/* It is served: whoever waits for that is told. */
void supervisor_note_restarted(struct supervisor *s);

/* ---- supervisor_end.c ---- */

/* result is why: -EINTR, -EPIPE or what failed. Unmounts; returns the exit code. */
int supervisor_take_down(struct supervisor *s, int result);

#endif
