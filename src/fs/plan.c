#include "plan.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/access.h"
#include "base/io.h"
#include "base/service_manager.h"
#include "base/text.h"
#include "config/config.h"
#include "mountinfo.h"
#include "mountpoint.h"

#define EXIT_CONFIG   78
#define HOOKS_DEFAULT "hooks.d"

void plan_say(const struct explain *why)
{
	(void)fprintf(stderr, "vouchfs: %s\n", why->text);
	service_manager_status(why->text);
}

static void say_failure(const struct explain *why, int r)
{
	plan_say(why);
	service_manager_failed(-r);
}

static const struct kind {
	const char *type;
	const char *noun;
} kinds[] = {
	[PLAN_DEPLOYMENT] = {MOUNTINFO_DEPLOYMENT, "configuration"},
	[PLAN_SIGNING] = {MOUNTINFO_SIGNING, "signer's home"},
};

const char *plan_mount_type(enum plan_kind kind)
{
	return kinds[kind].type;
}

const char *plan_source_noun(const char *type)
{
	return kinds[strcmp(type, MOUNTINFO_SIGNING) == 0 ? PLAN_SIGNING : PLAN_DEPLOYMENT].noun;
}

static bool is_below(const char *directory, const char *path)
{
	size_t len = strlen(directory);
	return strncmp(path, directory, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* The daemon would wait for itself when it opened such a path. */
static int check_outside(const char *mountpoint, const char *what, const char *path, struct explain *why)
{
	if (!path)
		return 0;
	char *real = realpath(path, NULL);
	bool inside = is_below(mountpoint, real ? real : path);
	if (inside)
		explain_set(why,
			    "the %s %s lies below the mountpoint %s, which would hide it; put one of them elsewhere",
			    what, path, mountpoint);
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
	if (r == 0)
		r = check_outside(mountpoint, "CA file of the source", config->policy.source_ca, why);
	for (size_t i = 0; i < config->account_count && r == 0; i++) {
		r = check_outside(mountpoint, "certificate", config->accounts[i].certificate, why);
		if (r == 0)
			r = check_outside(mountpoint, "revocation list", config->accounts[i].revocations, why);
	}
	return r;
}

/* One process serves a source: whoever has this lock. */
static int take_runtime(struct plan *plan, struct explain *why)
{
	int r = runtime_open(plan->source, true, &plan->runtime, why);
	if (r == 0)
		r = runtime_lock(&plan->runtime, why);
	if (r < 0)
		explain_prefix(why, "%s", plan->source);
	return r;
}

/* hooks.d beside the configuration, where there is one and no other is named. */
static int find_hooks(const struct config *config, char **ret_directory)
{
	char *directory = NULL;
	if (config->hooks)
		directory = strdup(config->hooks);
	else if (asprintf(&directory, "%.*s/" HOOKS_DEFAULT, (int)(strrchr(config->path, '/') - config->path),
			  config->path) < 0)
		directory = NULL;
	if (!directory)
		return -ENOMEM;
	if (!config->hooks && access(directory, F_OK) < 0 && errno == ENOENT) {
		free(directory);
		directory = NULL;
	}
	*ret_directory = directory;
	return 0;
}

static int choose_hooks_user(const struct config *config, const struct service_user *service, struct service_user *ret,
			     struct explain *why)
{
	*ret = *service;
	if (geteuid() != 0 || !config->has_hooks_user)
		return 0;
	const struct passwd *user = getpwuid(config->hooks_user);
	if (!user) {
		explain_set(why, "hooks_user: there is no user with the id %u", config->hooks_user);
		return -ENOENT;
	}
	*ret = (struct service_user){.uid = user->pw_uid, .gid = user->pw_gid};
	return 0;
}

static int plan_hooks(struct plan *plan, const struct config *config, struct explain *why)
{
	struct stat st;
	plan->hooks.timeout_ms = config->hooks_timeout_s * 1000;
	plan->hooks.owner = stat(config->path, &st) == 0 ? st.st_uid : 0;
	int r = find_hooks(config, &plan->hooks.directory);
	if (r == 0)
		r = check_outside(plan->mountpoint, "directory of hooks", plan->hooks.directory, why);
	return r == 0 ? choose_hooks_user(config, &plan->user, &plan->hooks.user, why) : r;
}

/* What the supervisor starts with privileges, and one that has none from the start cannot. */
static int check_kept(const struct plan *plan, struct explain *why)
{
	if (!plan->is_kept || (!plan->hooks.directory && !plan->fetch.source && plan->user.uid != 0))
		return 0;
	if (plan->user.uid == 0)
		explain_set(why, "the store would be root's, and a confined service is not root: make the user that "
				 "`user` names, or use the unit vouchfs@.service");
	else if (plan->hooks.directory)
		explain_set(why,
			    "there are hooks (%s), and a confined service runs no programs: use the unit "
			    "vouchfs@.service, or take the directory away",
			    plan->hooks.directory);
	else
		explain_set(why, "[policy] source is set, and a confined service has no network: use the unit "
				 "vouchfs@.service, or write bundles to the mount yourself");
	return -EOPNOTSUPP;
}

static void warn_of_substitute(const struct config *config, uid_t uid)
{
	char name[64], store[256], user[ACCESS_USER_SIZE];
	(void)text_escape_print(name, sizeof(name), config->user, strlen(config->user));
	(void)text_escape_print(store, sizeof(store), config->store, strlen(config->store));
	(void)fprintf(stderr,
		      "vouchfs: warning: there is no user %s, so %s serves, whose the store is; "
		      "`adduser --system --group --no-create-home %s` makes it, `chown -R %s %s` gives it the store, "
		      "then mount again\n",
		      name, access_user(uid, user), name, name, store);
}

static int use_config(struct plan *plan, const struct config *config, struct explain *why)
{
	if (plan->log == LOG_TO_AUTO)
		plan->log = config->log;
	int r = check_paths(config, plan->mountpoint, why);
	if (r == 0 && !plan->nonempty)
		r = mountpoint_check_empty(plan->mountpoint, why);
	if (r == 0)
		r = privileges_choose(config->user, config->store, &plan->user, why);
	if (r == 0 && plan->user.is_substitute)
		warn_of_substitute(config, plan->user.uid);
	if (r == 0)
		r = plan_hooks(plan, config, why);
	if (r == 0)
		r = fetcher_options_make(config, &plan->user, &plan->fetch);
	if (r == 0)
		r = check_kept(plan, why);
	if (r == 0)
		r = take_runtime(plan, why);
	if (r == 0)
		r = privileges_make_store(config->store, &plan->user, why);
	return r;
}

/* Root mounts the run side inside; fusermount3 may not look into a user's own mount, and nobody can into one that is
 * not served yet, so these lie beside it. */
static int place_run_side(struct plan *plan, struct explain *why)
{
	plan->run_is_linked = geteuid() != 0 || plan->is_kept;
	int r = 0;
	if (plan->run_is_linked)
		r = io_mkdirat(plan->runtime.dirfd, "run", 0700);
	if (r < 0) {
		char words[ACCESS_WORDS_SIZE];
		explain_set(why, "%s/run: %s", plan->runtime.path, access_words(plan->runtime.path, r, words));
		return r;
	}
	if (asprintf(&plan->run_mountpoint, "%s/run", plan->run_is_linked ? plan->runtime.path : plan->mountpoint) <
	    0) {
		plan->run_mountpoint = NULL;
		return -ENOMEM;
	}
	return plan->run_is_linked ? mountpoint_clear_run(plan->run_mountpoint, why) : 0;
}

static int plan_deployment(struct plan *plan, struct explain *why)
{
	struct config *config = NULL;
	struct buf errors = {0};
	int code = EXIT_CONFIG;
	if (config_load(plan->source, &config, &errors) < 0) {
		const char *text = errors.data ? errors.data : "vouchfs: the configuration could not be read\n";
		(void)fputs(text, stderr);
		service_manager_status(text);
		goto out;
	}
	plan->store = strdup(config->store);
	int r = plan->store ? use_config(plan, config, why) : -ENOMEM;
	if (r == 0)
		r = place_run_side(plan, why);
	code = r < 0 ? EXIT_FAILURE : 0;
	if (r < 0)
		say_failure(why, r);
out:
	config_free(config);
	buf_done(&errors);
	return code;
}

/* Who is to serve it; that it is closed to others, and holds an account, the daemon sees to as its owner. */
static int check_home(const char *home, struct explain *why)
{
	struct stat st;
	if (stat(home, &st) < 0) {
		int r = -errno;
		if (r == -ENOENT)
			explain_set(why, "there is no signer's home %s; `vouchfs signer create-account` makes one",
				    home);
		else
			explain_set(why, "the signer's home %s: %s", home, strerror(-r));
		return r;
	}
	if (!S_ISDIR(st.st_mode)) {
		explain_set(why, "the signer's home %s is not a directory", home);
		return -ENOTDIR;
	}
	if (geteuid() != 0 && st.st_uid != geteuid()) {
		explain_set(why, "the signer's home %s belongs to user id %u; that user or root can serve it", home,
			    st.st_uid);
		return -EACCES;
	}
	return 0;
}

static int check_home_mountpoint(const struct plan *plan, struct explain *why)
{
	if (!is_below(plan->source, plan->mountpoint))
		return check_outside(plan->mountpoint, "signer's home", plan->source, why);
	explain_set(why, "the mountpoint %s lies in the signer's home %s; mount outside it", plan->mountpoint,
		    plan->source);
	return -EINVAL;
}

static int plan_signing(struct plan *plan, struct explain *why)
{
	plan->no_exec = true;
	int r = check_home(plan->source, why);
	if (r == 0)
		r = check_home_mountpoint(plan, why);
	if (r == 0 && !plan->nonempty)
		r = mountpoint_check_empty(plan->mountpoint, why);
	if (r == 0)
		r = privileges_choose(NULL, plan->source, &plan->user, why);
	if (r == 0)
		r = take_runtime(plan, why);
	if (r < 0) {
		say_failure(why, r);
		return EXIT_FAILURE;
	}
	if (geteuid() != 0 && !plan->allow_other)
		(void)fputs("vouchfs: the signing slots are for this user alone; -o allow_other lets others in, where "
			    "/etc/fuse.conf says user_allow_other\n",
			    stderr);
	return 0;
}

int plan_make(const struct plan_request *request, struct plan *ret)
{
	struct plan plan = {
		.kind = request->kind,
		.type = kinds[request->kind].type,
		.source = request->source,
		.mountpoint = request->mountpoint,
		.foreground = request->foreground,
		.allow_other = request->allow_other,
		.log = request->log,
		.nonempty = request->nonempty,
		.is_kept = request->is_kept,
		.runtime = {.dirfd = -1, .lock_fd = -1},
	};
	struct explain why = {.text = "out of memory"};
	int r = mountpoint_prepare(request, &why);
	if (r < 0) {
		say_failure(&why, r);
		return EXIT_FAILURE;
	}
	int code = plan.kind == PLAN_SIGNING ? plan_signing(&plan, &why) : plan_deployment(&plan, &why);
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
	free(plan->store);
	free(plan->run_mountpoint);
	plan->store = plan->run_mountpoint = NULL;
	free(plan->hooks.directory);
	plan->hooks.directory = NULL;
	fetcher_options_done(&plan->fetch);
}
