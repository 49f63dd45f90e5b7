/*
 * takeover.h - a mount as one supervisor leaves it to the program that is executed in its place: the process, its
 * descriptors and children stay, all else is in a memfd, whose number is in the environment.
 *
 * Names and values, each ended by a NUL, so that programs of other versions can read each other: a name that is not
 * known is passed over, one that is missing has no value. A change that an older program must not overlook is another
 * TAKEOVER_VERSION.
 */
#ifndef FS_TAKEOVER_H
#define FS_TAKEOVER_H

#include "base/base.h"

#define TAKEOVER_VERSION  1
#define TAKEOVER_VARIABLE "VOUCHFS_TAKEOVER"
/* Value of the variable, and not a number: the program is only asked whether it could, and says TAKEOVER_ANSWER. */
#define TAKEOVER_QUESTION "question"
#define TAKEOVER_ANSWER	  "vouchfs-takeover 1 "

enum takeover_text {
	TAKEOVER_PROGRAM = 0,
	TAKEOVER_SOURCE,
	TAKEOVER_MOUNTPOINT,
	TAKEOVER_RUN_MOUNTPOINT,
	TAKEOVER_RUNTIME_PATH,
	TAKEOVER_HOOKS_DIRECTORY,
	TAKEOVER_FETCH_SOURCE,
	TAKEOVER_FETCH_CA,
	TAKEOVER_FETCH_WHY_NOT,
	TAKEOVER_FAILURE, /* why the program before gives it back */
	TAKEOVER_STORE,
	TAKEOVER_TEXTS,
};

enum takeover_number {
	TAKEOVER_VERSION_NUMBER = 0,
	TAKEOVER_KIND,
	TAKEOVER_FOREGROUND,
	TAKEOVER_ALLOW_OTHER,
	TAKEOVER_NONEMPTY,
	TAKEOVER_NO_EXEC,
	TAKEOVER_RUN_IS_LINKED,
	TAKEOVER_LOG,
	TAKEOVER_UID,
	TAKEOVER_GID,
	TAKEOVER_HOOKS_OWNER,
	TAKEOVER_HOOKS_UID,
	TAKEOVER_HOOKS_GID,
	TAKEOVER_HOOKS_TIMEOUT_MS,
	TAKEOVER_HOOKS_RUNNER, /* a process of ours; 0: none */
	TAKEOVER_FETCH_INTERVAL_S,
	TAKEOVER_FETCH_UID,
	TAKEOVER_FETCH_GID,
	TAKEOVER_INCARNATION,
	TAKEOVER_REPLACED,
	TAKEOVER_RELOADS_DUE,
	TAKEOVER_RELOADS_ASKED,
	TAKEOVER_RESTARTS_ASKED,
	TAKEOVER_IS_KEPT,  /* by systemd, which has the descriptors as well (kept.h) */
	TAKEOVER_FIRST_FD, /* descriptors, from here on; a number that is missing: there is none */
	TAKEOVER_TREE_FD = TAKEOVER_FIRST_FD,
	TAKEOVER_RUN_FD,
	TAKEOVER_MEMORY_FD,
	TAKEOVER_NODES_FD,
	TAKEOVER_RUNTIME_FD,
	TAKEOVER_LOCK_FD,
	TAKEOVER_COUNT_FD,
	TAKEOVER_BEFORE_FD, /* the program before, to execute it again */
	TAKEOVER_NUMBERS,
};

struct takeover {
	char *texts[TAKEOVER_TEXTS]; /* NULL: none */
	uint64_t numbers[TAKEOVER_NUMBERS];
	bool has[TAKEOVER_NUMBERS];
};

/* -ENOMEM. NULL is none. */
int takeover_set_text(struct takeover *takeover, enum takeover_text name, const char *text);
void takeover_set_number(struct takeover *takeover, enum takeover_number name, uint64_t number);
/* -1: none */
void takeover_set_fd(struct takeover *takeover, enum takeover_number name, int fd);
int takeover_fd(const struct takeover *takeover, enum takeover_number name);
void takeover_done(struct takeover *takeover);

/* A memfd to close. */
int takeover_write(const struct takeover *takeover, int *ret_fd);
/* -EBADMSG: it is not what takeover_write writes; -EPROTONOSUPPORT: of another version. */
int takeover_read(int fd, struct takeover *ret);

/* The descriptors stay open when a program is executed, or not, as all others. */
int takeover_let_through(const struct takeover *takeover, bool is_through);

#endif
