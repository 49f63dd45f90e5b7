#include "runtime_env.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config/config.h"
#include "host.h"

/*
 * Lists of directories, in Lambda's order: a variable's rows stand together. What is not there in the release is left
 * out. A component that ends in "#" is any name that goes on with a version, newest first; a last "*" is Java's and
 * stays.
 */
static const struct place {
	const char *variable;
	const char *path; /* below the release */
} places[] = {
	{"PATH", "opt/bin"},
	{"LD_LIBRARY_PATH", "task"},
	{"LD_LIBRARY_PATH", "task/lib"},
	{"LD_LIBRARY_PATH", "opt/lib"},
	{"PYTHONPATH", "task"},
	{"PYTHONPATH", "opt/python/lib/python#/site-packages"},
	{"PYTHONPATH", "opt/python"},
	{"NODE_PATH", "opt/nodejs/node#/node_modules"},
	{"NODE_PATH", "opt/nodejs/node_modules"},
	{"NODE_PATH", "task"},
	{"CLASSPATH", "task"},
	{"CLASSPATH", "task/lib/*"},
	{"CLASSPATH", "opt/java/lib/*"},
	{"RUBYLIB", "task"},
	{"RUBYLIB", "opt/ruby/lib"},
	{"GEM_PATH", "task/vendor/bundle/ruby/#"},
	{"GEM_PATH", "opt/ruby/gems/#"},
};

void runtime_env_done(struct runtime_env *env)
{
	for (size_t i = 0; i < env->count; i++)
		buf_done(&env->items[i].value);
	free(env->release);
	*env = (struct runtime_env){0};
}

/* ---- values ---- */

static struct buf *add_variable(struct runtime_env *env, const char *name)
{
	ASSERT(env->count < RUNTIME_ENV_MAX);
	env->items[env->count].name = name;
	return &env->items[env->count++].value;
}

static int add_text(struct runtime_env *env, const char *name, const char *text)
{
	return buf_puts(add_variable(env, name), text);
}

static int append_path(struct buf *value, const char *path)
{
	int r = value->len > 0 ? buf_putc(value, ':') : 0;
	return r == 0 ? buf_puts(value, path) : r;
}

/* 1: a directory; 0: there is none. A layer that cannot be read is no layer that has nothing. */
static int is_directory(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	return S_ISDIR(st.st_mode);
}

static int append_existing(struct buf *value, const char *directory, const char *rest)
{
	char path[PATH_MAX];
	bool is_java = text_ends_with(rest, "/*");
	if (snprintf(path, sizeof(path), "%s/%s", directory, rest) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	size_t end = strlen(path) - (is_java ? 2 : 0);
	char cut = path[end];
	path[end] = '\0';
	int r = is_directory(path);
	path[end] = cut;
	return r > 0 ? append_path(value, path) : r;
}

static int newest_first(const void *a, const void *b)
{
	return strverscmp(*(char *const *)b, *(char *const *)a);
}

static bool is_version_of(const char *name, const char *prefix, size_t prefix_len)
{
	return strncmp(name, prefix, prefix_len) == 0 &&
	       text_consists_of(name + prefix_len, strlen(name + prefix_len), "0123456789.", 1, NAME_MAX);
}

/* "opt/python/lib/python#/site-packages" for each python3.13, python3.12 that is there. */
static int append_versions(struct buf *value, const char *release, const char *pattern)
{
	const char *hash = strchr(pattern, '#'), *start = hash;
	while (start[-1] != '/')
		start--;
	char directory[PATH_MAX], rest[PATH_MAX];
	struct io_names names = {0};
	if (snprintf(directory, sizeof(directory), "%s/%.*s", release, (int)(start - 1 - pattern), pattern) >=
	    (int)sizeof(directory))
		return -ENAMETOOLONG;
	int r = is_directory(directory);
	if (r <= 0)
		return r;
	int dirfd = io_open_dir(directory);
	r = dirfd < 0 ? dirfd : io_list_dir(dirfd, ".", &names);
	io_close(&dirfd);
	if (r == 0 && names.count > 0)
		qsort(names.names, names.count, sizeof(*names.names), newest_first);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		if (!is_version_of(names.names[i], start, (size_t)(hash - start)))
			continue;
		(void)snprintf(rest, sizeof(rest), "%s%s", names.names[i], hash + 1);
		r = append_existing(value, directory, rest);
	}
	io_names_done(&names);
	return r;
}

/* The caller's, without what an environment of an earlier release has put there. */
static int add_path(struct runtime_env *env, const char *path)
{
	const char *name = strstr(env->release, "/.releases/");
	ASSERT(name);
	size_t run_len = (size_t)(name - env->release) + strlen("/.releases/");
	struct buf *value = add_variable(env, "PATH");
	char *copy = strdup(path);
	int r = copy ? 0 : -ENOMEM;
	for (char *rest = copy, *part; r == 0 && (part = strsep(&rest, ":")) != NULL;)
		if (strncmp(part, env->release, run_len) != 0)
			r = append_path(value, part);
	free(copy);
	return r;
}

static int add_places(struct runtime_env *env)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(places); i++) {
		const struct place *place = &places[i];
		bool is_new = strcmp(env->items[env->count - 1].name, place->variable) != 0;
		struct buf *value = is_new ? add_variable(env, place->variable) : &env->items[env->count - 1].value;
		r = strchr(place->path, '#') ? append_versions(value, env->release, place->path)
					     : append_existing(value, env->release, place->path);
		bool is_last = i + 1 == ARRAY_SIZE(places) || strcmp(places[i + 1].variable, place->variable) != 0;
		if (is_last && value->len == 0)
			env->count--; /* nothing to look into */
	}
	return r;
}

static int fill(struct runtime_env *env, const char *function, const char *path)
{
	char number[24];
	(void)snprintf(number, sizeof(number), "%" PRIu64, env->number);
	struct buf *task = add_variable(env, "LAMBDA_TASK_ROOT");
	int r = buf_printf(task, "%s/task", env->release);
	if (r == 0)
		r = buf_printf(add_variable(env, "VOUCHFS_OPT"), "%s/opt", env->release);
	if (r == 0)
		r = add_text(env, "AWS_LAMBDA_FUNCTION_NAME", function);
	if (r == 0)
		r = add_text(env, "AWS_LAMBDA_FUNCTION_VERSION", number);
	if (r == 0)
		r = add_text(env, "TZ", "UTC");
	if (r == 0)
		r = add_path(env, path);
	return r == 0 ? add_places(env) : r;
}

/* ---- the release ---- */

static int nothing_served(const char *mountpoint, const char *function, int error)
{
	int code = CLI_EXIT_FAILURE, dirfd = error == ENOENT ? io_open_dir(mountpoint) : -1;
	char slot[LIMIT_FUNCTION_NAME_BYTES + 16];
	(void)snprintf(slot, sizeof(slot), "functions/%s", function);
	if (dirfd >= 0 && faccessat(dirfd, slot, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		code = cli_unknown_slot(dirfd, "functions", function);
	else if (error == ENOENT)
		cli_error("%s: nothing is deployed there; copy a signed ZIP into %s/%s", slot, mountpoint, slot);
	else if (error == EACCES)
		cli_error("%s: its release is blocked; `vouchfs why %s` and `vouchfs status` say why", slot, function);
	else
		cli_error("%s: %s", slot, strerror(error));
	io_close(&dirfd);
	return code;
}

static int find_release(const char *mountpoint, const char *function, struct runtime_env *env)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/run/%s", mountpoint, function);
	env->release = realpath(path, NULL);
	if (!env->release)
		return nothing_served(mountpoint, function, errno);
	const char *slash = strrchr(env->release, '/');
	if (!slash || !strstr(env->release, "/.releases/") ||
	    !text_parse_u64(slash + 1, strlen(slash + 1), UINT64_MAX, &env->number)) {
		cli_error("%s leads to %s, which is no release", path, env->release);
		return CLI_EXIT_FAILURE;
	}
	if (strchr(env->release, ':')) {
		cli_error("%s: a path with a colon cannot stand in PATH; mount elsewhere", env->release);
		return CLI_EXIT_FAILURE;
	}
	return 0;
}

int cli_runtime_env(const char *given_config, const char *function, const char *path, struct runtime_env *ret)
{
	struct buf mountpoint = {0};
	*ret = (struct runtime_env){0};
	if (!config_is_function_name(function)) {
		char shown[256];
		cli_error("\"%s\" is not the name of a function (1 to 64 of A-Z, a-z, 0-9, _ and -)",
			  text_escape_print(shown, sizeof(shown), function, strlen(function)));
		return CLI_EXIT_USAGE;
	}
	if (cli_find_mount(given_config, &mountpoint) < 0)
		return CLI_EXIT_FAILURE;
	int code = find_release(mountpoint.data, function, ret);
	int r = code == 0 ? fill(ret, function, path) : 0;
	if (r < 0) {
		cli_error("release %" PRIu64 " of %s cannot be read: %s", ret->number, function, strerror(-r));
		code = CLI_EXIT_FAILURE;
	}
	buf_done(&mountpoint);
	return code;
}
