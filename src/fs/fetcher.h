/*
 * fetcher.h - the supervisor's side of vouchfs-fetch, which fetches policy bundles where [policy] source says from
 * where (src/fetch). A program of its own: it alone is linked with libcurl, and runs as another user than who serves,
 * without privileges, so that nothing a server sends meets the store or the daemon but through the mount, as anybody's
 * write.
 *
 *     supervisor -- fork, exec --> vouchfs-fetch     once all is served; ended before anything is unmounted
 *                   SIGUSR1 ---->                    after a reload, or when asked: look now
 *
 *     OFF ---> RUNNING ---> WAITING (it has died, or there was no process for it: started again, later each time)
 *               ^   |  ^______|
 *     a reload  |   v
 *              GIVEN_UP (it cannot be started, or said that its arguments are wrong)
 */
#ifndef FS_FETCHER_H
#define FS_FETCHER_H

#include <sys/types.h>

#include "base/base.h"
#include "base/explain.h"
#include "base/log.h"
#include "config/config.h"
#include "privileges.h"

#define FETCHER_USER   "vouchfs-fetch" /* where no source_user is named, and else: */
#define FETCHER_NOBODY "nobody"

/* From the host's own files. */
struct fetcher_options {
	char *source; /* NULL: nothing is fetched */
	char *ca;     /* NULL: the system's */
	uint64_t interval_s;
	struct service_user user; /* also without a source: whose the slot would be */
	struct explain why_not;	  /* "": it can be */
};

/* service: who serves, and whose the store is. -ENOMEM. */
int fetcher_options_make(const struct config *config, const struct service_user *service, struct fetcher_options *ret);
int fetcher_options_copy(const struct fetcher_options *options, struct fetcher_options *ret);
void fetcher_options_done(struct fetcher_options *options);
bool fetcher_options_equal(const struct fetcher_options *a, const struct fetcher_options *b);

/* Where and how it runs, whatever its options. */
struct fetcher_place {
	const char *mountpoint;
	enum log_target log;
	bool background;
};

/* ret_pidfd is readable at its end. Failures: why, and what to do; but for -ENOENT they may pass. */
int fetcher_start(const struct fetcher_options *options, const struct fetcher_place *place, pid_t *ret, int *ret_pidfd,
		  struct explain *ret_why);
/* The file that is executed, opened: beside this program, in libexec/vouchfs, or where it was to be installed. -ENOENT.
 */
int fetcher_find(void);
/* Exit statuses of a child that did not become the program. */
#define FETCHER_NOT_CONFINED 126
#define FETCHER_NOT_EXECUTED 127

enum fetcher_state { FETCHER_OFF = 0, FETCHER_RUNNING, FETCHER_WAITING, FETCHER_GIVEN_UP };

struct fetcher {
	enum fetcher_state state;
	struct fetcher_options options;
	struct fetcher_place place;
	pid_t pid;
	int pidfd;	 /* -1 unless RUNNING */
	uint64_t due_ms; /* clock_monotonic_ms when WAITING is over; else UINT64_MAX */
	uint64_t started_ms;
	unsigned deaths; /* in a row */
};

#define FETCHER_NONE                                                                                                   \
	{                                                                                                              \
		.pidfd = -1, .due_ms = UINT64_MAX                                                                      \
	}

struct plan;

/* Starts it where the plan has a source. What fails is logged: nothing is served less for it. */
void fetcher_begin(struct fetcher *fetcher, const struct plan *plan);
void fetcher_end(struct fetcher *fetcher);

void fetcher_take_end(struct fetcher *fetcher);	 /* when pidfd is readable */
void fetcher_take_time(struct fetcher *fetcher); /* when due_ms has come */
/* After a reload: what is fetched from where may have changed, and what was refused may be taken now. */
void fetcher_renew(struct fetcher *fetcher, const struct plan *plan);
void fetcher_ask(struct fetcher *fetcher); /* look now */

#endif
