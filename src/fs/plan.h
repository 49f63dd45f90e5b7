/*
 * plan.h - what is to be mounted where and served by whom: decided once, before anything is done.
 */
#ifndef FS_PLAN_H
#define FS_PLAN_H

#include "base/base.h"
#include "base/explain.h"
#include "fs/mount.h"
#include "privileges.h"
#include "runtime.h"

struct plan {
	const char *config_path;
	const char *mountpoint;
	char *run_mountpoint;
	bool run_is_linked; /* MNT/run is a symlink to run_mountpoint, not the mountpoint itself */
	bool foreground;
	bool allow_other;
	struct service_user user;
	struct runtime runtime; /* locked by the process that made the plan */
};

/*
 * Checks the mountpoint and the configuration, takes the runtime directory's lock, makes a missing store. All errors
 * are printed; returns an exit code.
 */
int plan_make(const struct fs_mount_options *options, struct plan *ret);
/* Of the process that made it: removes the runtime directory. */
void plan_done(struct plan *plan);

/* To the person at the terminal, before anything is served. */
void plan_say(const struct explain *why);

#endif
