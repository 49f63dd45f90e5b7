/*
 * plan.h - what is to be mounted where and served by whom: decided once, before anything is done.
 */
#ifndef FS_PLAN_H
#define FS_PLAN_H

#include "base/base.h"
#include "base/explain.h"
#include "base/log.h"
#include "fetcher.h"
#include "hooks.h"
#include "privileges.h"
#include "runtime.h"

enum plan_kind {
	PLAN_DEPLOYMENT = 1, /* of a configuration: two connections, the deploy side and the run side */
	PLAN_SIGNING,	     /* of a signer's home: one connection */
};

struct plan_request {
	enum plan_kind kind;
	const char *source;	/* the configuration or the signer's home; absolute */
	const char *mountpoint; /* absolute */
	bool foreground;
	bool allow_other;
	enum log_target log; /* LOG_TO_AUTO: as the configuration says */
	bool nonempty;	     /* the mountpoint may hold something, which is hidden then */
	bool is_kept;	     /* for a service without privileges (kept.h) */
};

struct plan {
	enum plan_kind kind;
	const char *type;   /* in /proc/mounts, beside the source */
	const char *source; /* the request's, like the mountpoint */
	const char *mountpoint;
	char *store;	      /* of a deployment, as long as it is mounted */
	char *run_mountpoint; /* NULL: there is no run side */
	bool run_is_linked;   /* MNT/run is a symlink to run_mountpoint, not the mountpoint itself */
	bool foreground;
	bool allow_other;
	bool nonempty;
	bool no_exec;
	bool is_kept; /* root mounts it, and another process serves it, without privileges from the start (kept.h) */
	enum log_target log;
	struct service_user user;
	struct hooks_options hooks;
	struct fetcher_options fetch;
	struct runtime runtime; /* locked by the process that made the plan */
};

/*
 * Checks the mountpoint and the configuration or the home, takes the runtime directory's lock, makes a missing store.
 * All errors are printed; returns an exit code. The request must outlive the plan.
 */
int plan_make(const struct plan_request *request, struct plan *ret);
/* Of the process that made it: removes the runtime directory. */
void plan_done(struct plan *plan);

/* As in /proc/mounts; and what the source of such a mount is called: "configuration", "signer's home". */
const char *plan_mount_type(enum plan_kind kind);
const char *plan_source_noun(const char *type);

/* To the person at the terminal, and to the service manager, before anything is served. */
void plan_say(const struct explain *why);

#endif
