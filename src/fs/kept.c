#include "kept.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/access.h"
#include "base/io.h"
#include "config/config.h"
#include "kernel.h"
#include "mountinfo.h"
#include "program.h"
#include "supervisor.h"
#include "supervisor_state.h"
#include "takeover.h"

#define EXIT_CONFIG 78
#define UNIT	    "vouchfs-confined@.service"
#define DESCRIPTION 0 /* the first of the names; the others are numbers of the takeover */

static const char *const names[] = {"vouchfs-mount", "vouchfs-tree",	"vouchfs-run",	"vouchfs-memory",
				    "vouchfs-nodes", "vouchfs-runtime", "vouchfs-lock", "vouchfs-count"};
static const enum takeover_number numbers[ARRAY_SIZE(names)] = {
	TAKEOVER_VERSION_NUMBER, TAKEOVER_TREE_FD,    TAKEOVER_RUN_FD,	TAKEOVER_MEMORY_FD,
	TAKEOVER_NODES_FD,	 TAKEOVER_RUNTIME_FD, TAKEOVER_LOCK_FD, TAKEOVER_COUNT_FD};

void kept_drop(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		service_manager_drop(names[i]);
}

/* ---- root mounts ---- */

/* Mounted for this configuration, and nobody answers: the service has died, and systemd has it. */
static bool is_kept(const struct plan_request *request)
{
	struct mountinfo info;
	if (mountinfo_read(&info) < 0)
		return false;
	const struct mountinfo_entry *there = mountinfo_at(&info, request->mountpoint);
	bool is = there && strcmp(there->type, plan_mount_type(request->kind)) == 0 &&
		  strcmp(there->source, request->source) == 0 && there->has_user && there->user == 0 &&
		  kernel_ask(request->mountpoint) == KERNEL_SILENT;
	mountinfo_done(&info);
	return is;
}

static int mount_both(struct supervisor *s)
{
	int r = memory_new(&s->memory);
	if (r == 0)
		r = memory_new_nodes(&s->nodes);
	if (r == 0)
		r = memory_new_count(&s->count);
	if (r == 0)
		r = program_path(&s->program);
	if (r == 0)
		r = runtime_share(&s->plan->runtime, s->plan->user.gid);
	if (r == 0)
		r = supervisor_mount_side(s, MEMORY_TREE);
	return r == 0 ? supervisor_mount_side(s, MEMORY_RUN) : r;
}

/* What an earlier service has left there goes first: names are not replaced. */
static int leave_with_systemd(const struct takeover *takeover, int description)
{
	int r = 0;
	kept_drop();
	for (size_t i = 0; i < ARRAY_SIZE(names) && r == 0; i++)
		r = service_manager_keep(names[i], i == DESCRIPTION ? description : takeover_fd(takeover, numbers[i]));
	return r == 0 ? service_manager_await_heard() : r;
}

static int describe_and_leave(const struct supervisor *s)
{
	struct takeover takeover = {0};
	int description = -1;
	int r = supervisor_describe(s, &takeover);
	if (r == 0)
		r = takeover_write(&takeover, &description);
	if (r == 0)
		r = leave_with_systemd(&takeover, description);
	io_close(&description);
	takeover_done(&takeover);
	return r;
}

static void unmount_both(const struct supervisor *s)
{
	if (s->is_mounted[MEMORY_RUN])
		(void)kernel_unmount(s->plan->run_mountpoint, true);
	if (s->is_mounted[MEMORY_TREE])
		(void)kernel_unmount(s->plan->mountpoint, true);
}

static void say_not_kept(int r)
{
	struct explain why;
	if (r == -ENOTCONN)
		explain_set(&why, "no systemd is there to keep the mount: --keep is for the unit " UNIT
				  "; `vouchfs mount` serves by itself");
	else if (r == -EOPNOTSUPP)
		explain_set(&why, "this build has no libsystemd, by which a mount is kept: use the unit "
				  "vouchfs@.service");
	else
		explain_set(&why, "the mount cannot be kept: %s", strerror(-r));
	plan_say(&why);
}

static int mount_and_leave(struct supervisor *s)
{
	int r = mount_both(s);
	if (r == 0)
		r = describe_and_leave(s);
	if (r < 0) {
		unmount_both(s);
		kept_drop();
	}
	if (r < 0 && r != -ECANCELED) /* which has been said */
		say_not_kept(r);
	for (size_t i = 0; i < MEMORY_SIDES; i++)
		io_close(&s->kept[i]);
	io_close(&s->memory);
	io_close(&s->nodes);
	io_close(&s->count);
	free(s->program);
	return r;
}

int kept_mount(const struct plan_request *request)
{
	struct supervisor s = SUPERVISOR_NONE;
	struct plan plan;
	if (geteuid() != 0) {
		(void)fputs("vouchfs: --keep is root's: it mounts for a service that may not\n", stderr);
		return EXIT_FAILURE;
	}
	if (is_kept(request))
		return EXIT_SUCCESS;
	int code = plan_make(request, &plan);
	if (code != 0)
		return code;
	s.plan = &plan;
	int r = mount_and_leave(&s);
	if (r == 0)
		runtime_done(&plan.runtime); /* the directory stays, with the lock's file */
	plan_done(&plan);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- the service serves ---- */

static int take(struct takeover *ret, struct explain *why)
{
	int fds[ARRAY_SIZE(names)], r = 0;
	service_manager_take_kept(names, ARRAY_SIZE(names), fds);
	for (size_t i = 0; i < ARRAY_SIZE(names) && r == 0; i++)
		r = fds[i] < 0 ? -ENOENT : 0;
	if (r == 0)
		r = takeover_read(fds[DESCRIPTION], ret);
	io_close(&fds[DESCRIPTION]);
	if (r < 0) {
		for (size_t i = 1; i < ARRAY_SIZE(names); i++)
			io_close(&fds[i]);
		explain_set(why, r == -ENOENT
					 ? "systemd has kept no mount for this process: --kept is for the unit " UNIT
					   ", which mounts before it starts, and needs FileDescriptorStoreMax=8"
					 : "what systemd has kept is not what this version keeps; it is mounted anew");
		return r;
	}
	for (size_t i = 1; i < ARRAY_SIZE(names); i++)
		takeover_set_fd(ret, numbers[i], fds[i]);
	takeover_set_number(ret, TAKEOVER_IS_KEPT, true);
	return 0;
}

static int check_user(const struct takeover *t, struct explain *why)
{
	char self[ACCESS_USER_SIZE], wanted[ACCESS_USER_SIZE];
	if (geteuid() == t->numbers[TAKEOVER_UID])
		return 0;
	explain_set(why,
		    "this service runs as %s, and the configuration wants %s to serve: set User= of the unit to that "
		    "(`systemctl edit`), or `user` in [vouchfs]",
		    access_user(geteuid(), self), access_user((uid_t)t->numbers[TAKEOVER_UID], wanted));
	return -EPERM;
}

/* Modes are asked later, in better words; this is about what the unit leaves open. */
static int check_open(const char *what, const char *path, struct explain *why)
{
	char *directory = path ? strdup(path) : NULL;
	char *slash = directory ? strrchr(directory, '/') : NULL;
	bool is_closed = false;
	if (directory) {
		is_closed = access(directory, W_OK) < 0 && errno == EROFS;
		if (slash && slash != directory && access(directory, F_OK) < 0 && errno == ENOENT) {
			*slash = '\0';
			is_closed = access(directory, W_OK) < 0 && errno == EROFS;
		}
	}
	if (is_closed)
		explain_set(why,
			    "the %s %s is read-only for this service: `systemctl edit` its unit, and add in [Service] "
			    "ReadWritePaths=%s",
			    what, path, directory);
	free(directory);
	return is_closed ? -EROFS : 0;
}

static int check_places(const char *config_path, struct explain *why)
{
	struct config *config = NULL;
	struct buf errors = {0}; /* the daemon says them */
	int r = 0;
	if (config_load(config_path, &config, &errors) == 0) {
		r = check_open("store", config->store, why);
		if (r == 0)
			r = check_open("anchor", config->anchor, why);
		if (r == 0)
			r = check_open("metrics_textfile", config->metrics_textfile, why);
	}
	config_free(config);
	buf_done(&errors);
	return r;
}

/* Which daemon is the next: written down before each one's start. */
static int number_next(struct takeover *t, struct explain *why)
{
	uint32_t last;
	int r = memory_get_count(takeover_fd(t, TAKEOVER_COUNT_FD), &last);
	if (r < 0)
		explain_set(why, "the number of the daemon before cannot be read: %s", strerror(-r));
	else
		takeover_set_number(t, TAKEOVER_INCARNATION, (uint64_t)last + 1);
	return r;
}

static int prepare(struct takeover *t, struct explain *why)
{
	struct runtime runtime = {.dirfd = takeover_fd(t, TAKEOVER_RUNTIME_FD),
				  .lock_fd = takeover_fd(t, TAKEOVER_LOCK_FD)};
	int r = check_user(t, why);
	if (r == 0)
		r = check_places(t->texts[TAKEOVER_SOURCE], why);
	if (r == 0)
		r = number_next(t, why);
	return r == 0 ? runtime_lock_again(&runtime, why) : r;
}

int kept_serve(void)
{
	struct takeover takeover = {0};
	struct explain why = {.text = "out of memory"};
	int r = take(&takeover, &why);
	if (r == 0)
		r = prepare(&takeover, &why);
	if (r == 0)
		return supervisor_go_on(&takeover);
	plan_say(&why);
	service_manager_failed(-r);
	kept_drop();
	takeover_done(&takeover);
	return r == -EPERM || r == -EROFS ? EXIT_CONFIG : EXIT_FAILURE;
}
