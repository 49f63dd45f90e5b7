#include "plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "mountinfo.h"

#define EXIT_CONFIG	 78
#define ESCAPED_PATH_MAX 256

void plan_say(const struct explain *why)
{
	(void)fprintf(stderr, "vouchfs: %s\n", why->text);
}

static int check_mounts(const struct mountinfo *info, const struct fs_mount_options *options, struct explain *why)
{
	char path[ESCAPED_PATH_MAX];
	const struct mountinfo_entry *there = mountinfo_at(info, options->mountpoint);
	if (there && mountinfo_is_vouchfs(there) && strcmp(there->source, options->config_path) == 0) {
		explain_set(why, "%s is mounted already, with this configuration", options->mountpoint);
		return -EBUSY;
	}
	if (there && mountinfo_is_vouchfs(there)) {
		(void)text_escape_print(path, sizeof(path), there->source, strlen(there->source));
		explain_set(why, "%s is mounted already, with the configuration %s", options->mountpoint, path);
		return -EBUSY;
	}
	const struct mountinfo_entry *other = mountinfo_find_deploy(info, options->config_path, geteuid());
	if (other) {
		(void)text_escape_print(path, sizeof(path), other->mountpoint, strlen(other->mountpoint));
		explain_set(why, "%s is mounted already, on %s; a configuration has one mount", options->config_path,
			    path);
		return -EBUSY;
	}
	return 0;
}

static int check_directory(const char *mountpoint, struct explain *why)
{
	struct stat st;
	if (stat(mountpoint, &st) < 0) {
		int r = -errno;
		if (r == -ENOENT)
			explain_set(why, "the mountpoint %s does not exist; mkdir makes it", mountpoint);
		else
			explain_set(why, "the mountpoint %s: %s", mountpoint, strerror(-r));
		return r;
	}
	if (!S_ISDIR(st.st_mode)) {
		explain_set(why, "the mountpoint %s is not a directory", mountpoint);
		return -ENOTDIR;
	}
	return 0;
}

/* Whoever touches a mount whose process is gone gets ENOTCONN; stat may be answered from the cache, statvfs never. */
static bool has_lost_process(const char *mountpoint)
{
	struct stat st;
	struct statvfs fs;
	return (stat(mountpoint, &st) < 0 || statvfs(mountpoint, &fs) < 0) && errno == ENOTCONN;
}

static int check_mountpoint(const struct fs_mount_options *options, struct explain *why)
{
	if (has_lost_process(options->mountpoint)) {
		explain_set(why, "a mount on %s has lost its process; `vouchfs unmount -l %s` takes it away",
			    options->mountpoint, options->mountpoint);
		return -ENOTCONN;
	}
	struct mountinfo info;
	int r = mountinfo_read(&info);
	if (r < 0) {
		explain_set(why, "/proc/self/mountinfo: %s", strerror(-r));
		return r;
	}
	r = check_mounts(&info, options, why);
	mountinfo_done(&info);
	return r < 0 ? r : check_directory(options->mountpoint, why);
}

/* The daemon would wait for itself when it opened such a path. */
static int check_outside(const char *mountpoint, const char *what, const char *path, struct explain *why)
{
	if (!path)
		return 0;
	char *real = realpath(path, NULL);
	const char *shown = real ? real : path;
	size_t len = strlen(mountpoint);
	bool inside = strncmp(shown, mountpoint, len) == 0 && (shown[len] == '/' || shown[len] == '\0');
	if (inside)
		explain_set(why, "the %s %s lies below the mountpoint %s", what, path, mountpoint);
	free(real);
	return inside ? -EINVAL : 0;
}

static int check_paths(const struct config *config, const char *mountpoint, struct explain *why)
{
	int r = check_outside(mountpoint, "configuration", config->path, why);
	if (r == 0)
		r = check_outside(mountpoint, "store", config->store, why);
	if (r == 0)
		r = check_outside(mountpoint, "anchor", config->anchor, why);
	if (r == 0)
		r = check_outside(mountpoint, "timestamp authority", config->timestamp_authority, why);
	for (size_t i = 0; i < config->account_count && r == 0; i++) {
		r = check_outside(mountpoint, "certificate", config->accounts[i].certificate, why);
		if (r == 0)
			r = check_outside(mountpoint, "revocation list", config->accounts[i].revocations, why);
	}
	return r;
}

static int use_config(struct plan *plan, const struct config *config, struct explain *why)
{
	int r = check_paths(config, plan->mountpoint, why);
	if (r < 0)
		return r;
	r = privileges_choose(config, &plan->user, why);
	if (r < 0)
		return r;
	r = runtime_open(plan->config_path, true, &plan->runtime, why);
	if (r == 0)
		r = runtime_lock(&plan->runtime, why);
	if (r < 0) {
		explain_prefix(why, "%s", plan->config_path);
		return r;
	}
	return privileges_make_store(config->store, &plan->user, why);
}

/* Root mounts the run side inside; fusermount3 may not look into a user's own mount, so his lies beside it. */
static int place_run_side(struct plan *plan, struct explain *why)
{
	plan->run_is_linked = geteuid() != 0;
	int r = 0;
	if (plan->run_is_linked)
		r = io_mkdirat(plan->runtime.dirfd, "run", 0700);
	if (r < 0)
		explain_set(why, "%s/run: %s", plan->runtime.path, strerror(-r));
	else if (asprintf(&plan->run_mountpoint, "%s/run",
			  plan->run_is_linked ? plan->runtime.path : plan->mountpoint) < 0)
		r = -ENOMEM;
	return r;
}

static int fill_plan(const struct fs_mount_options *options, struct plan *plan, struct explain *why)
{
	struct config *config = NULL;
	struct buf errors = {0};
	int code = EXIT_CONFIG;
	if (config_load(options->config_path, &config, &errors) < 0) {
		(void)fputs(errors.data ? errors.data : "vouchfs: the configuration could not be read\n", stderr);
		goto out;
	}
	int r = use_config(plan, config, why);
	if (r == 0)
		r = place_run_side(plan, why);
	code = r < 0 ? EXIT_FAILURE : 0;
	if (r < 0)
		plan_say(why);
out:
	config_free(config);
	buf_done(&errors);
	return code;
}

int plan_make(const struct fs_mount_options *options, struct plan *ret)
{
	struct plan plan = {
		.config_path = options->config_path,
		.mountpoint = options->mountpoint,
		.foreground = options->foreground,
		.allow_other = options->allow_other,
		.runtime = {.dirfd = -1, .lock_fd = -1},
	};
	struct explain why = {.text = "out of memory"};
	if (check_mountpoint(options, &why) < 0) {
		plan_say(&why);
		return EXIT_FAILURE;
	}
	int code = fill_plan(options, &plan, &why);
	if (code != 0)
		plan_done(&plan);
	else
		*ret = plan;
	return code;
}

void plan_done(struct plan *plan)
{
	if (plan->runtime.lock_fd >= 0)
		runtime_remove(&plan->runtime);
	else
		runtime_done(&plan->runtime);
	free(plan->run_mountpoint);
	plan->run_mountpoint = NULL;
}
