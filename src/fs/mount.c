/* The command's side of mounting: in the background it waits until a forked supervisor says that all is served. */
#include "fs/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "kept.h"
#include "mountinfo.h"
#include "plan.h"
#include "supervisor.h"
#include "takeover.h"

static int mount_and_serve(const struct plan_request *request, int ready_fd)
{
	struct plan plan;
	int code = plan_make(request, &plan);
	if (code != 0)
		return code;
	code = supervisor_run(&plan, ready_fd);
	plan_done(&plan);
	return code;
}

/* libfuse and fusermount3 take the numbers 0, 1 and 2 for granted. */
static bool open_standard_files(void)
{
	for (;;) {
		int fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			return false;
		if (fd > STDERR_FILENO) {
			io_close(&fd);
			return true;
		}
	}
}

/* The exit code: 0 at the first byte, else the child's. */
static int wait_until_ready(pid_t child, int fd)
{
	char byte;
	ssize_t got;
	do
		got = read(fd, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got == 1)
		return 0;

	int status;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILURE;
	return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static int mount_in_background(const struct plan_request *request)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0) {
		perror("vouchfs: pipe");
		return EXIT_FAILURE;
	}
	pid_t child = fork();
	if (child < 0) {
		perror("vouchfs: fork");
		io_close(&fds[0]);
		io_close(&fds[1]);
		return EXIT_FAILURE;
	}
	if (child == 0) {
		io_close(&fds[0]);
		(void)setsid();
		exit(mount_and_serve(request, fds[1]));
	}
	io_close(&fds[1]);
	int code = wait_until_ready(child, fds[0]);
	io_close(&fds[0]);
	return code;
}

static int mount_as_requested(const struct plan_request *request)
{
	if (!open_standard_files())
		return EXIT_FAILURE;
	return request->foreground ? mount_and_serve(request, -1) : mount_in_background(request);
}

bool fs_is_resumed(void)
{
	return getenv(TAKEOVER_VARIABLE) != NULL;
}

int fs_resume(void)
{
	const char *text = getenv(TAKEOVER_VARIABLE);
	uint64_t fd;
	if (strcmp(text, TAKEOVER_QUESTION) == 0)
		return puts(TAKEOVER_ANSWER VOUCHFS_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	bool is_number = text_parse_u64(text, strlen(text), INT_MAX, &fd);
	(void)unsetenv(TAKEOVER_VARIABLE);
	if (!is_number || !open_standard_files()) {
		(void)fputs("vouchfs: " TAKEOVER_VARIABLE " is vouchfs's own, and names no descriptor\n", stderr);
		return EXIT_FAILURE;
	}
	return supervisor_resume((int)fd);
}

int fs_mount(const struct fs_mount_options *options)
{
	const struct plan_request request = {
		.kind = PLAN_DEPLOYMENT,
		.source = options->config_path,
		.mountpoint = options->mountpoint,
		.foreground = options->foreground,
		.allow_other = options->allow_other,
		.log = options->log,
		.nonempty = options->nonempty,
		.is_kept = options->keep,
	};
	if (options->keep)
		return open_standard_files() ? kept_mount(&request) : EXIT_FAILURE;
	return mount_as_requested(&request);
}

/* Before anything is opened the numbers of what is kept are free for nothing else, so nobody opens 0 to 2 here. */
int fs_mount_kept(void)
{
	return kept_serve();
}

int fs_signer_mount(const struct fs_signer_mount_options *options)
{
	const struct plan_request request = {
		.kind = PLAN_SIGNING,
		.source = options->home,
		.mountpoint = options->mountpoint,
		.foreground = options->foreground,
		.allow_other = options->allow_other,
		.log = options->log,
		.nonempty = options->nonempty,
	};
	return mount_as_requested(&request);
}

int fs_find_mount(const char *config_path, struct buf *ret_mountpoint)
{
	struct mountinfo info;
	int r = mountinfo_read(&info);
	if (r < 0)
		return r;
	const struct mountinfo_entry *entry = mountinfo_find_tree(&info, MOUNTINFO_DEPLOYMENT, config_path, geteuid());
	r = entry ? buf_puts(ret_mountpoint, entry->mountpoint) : -ENOENT;
	mountinfo_done(&info);
	return r;
}

static bool is_in(const char *directory, const char *path)
{
	size_t len = strlen(directory);
	return strncmp(path, directory, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

int fs_each_mount_over(const char *config_path, fs_tell_mount *tell, void *ctx)
{
	struct mountinfo info;
	int r = mountinfo_read(&info);
	if (r < 0)
		return r;
	const struct mountinfo_entry *tree = mountinfo_find_tree(&info, MOUNTINFO_DEPLOYMENT, config_path, geteuid());
	const struct mountinfo_entry *run = tree ? mountinfo_find_run(&info, tree) : NULL;
	for (const struct mountinfo_entry *entry = tree; entry && entry < info.entries + info.count; entry++)
		if (entry != tree && entry != run &&
		    (is_in(tree->mountpoint, entry->mountpoint) || (run && is_in(run->mountpoint, entry->mountpoint))))
			tell(ctx, entry->mountpoint, entry->type, entry->source);
	mountinfo_done(&info);
	return tree ? 0 : -ENOENT;
}

/* The parent's real path with the name behind it: for names that are not there, or cannot be looked at. */
static char *resolve_parent(const char *path)
{
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	char *copy = strndup(path, len), *parent = NULL, *resolved = NULL;
	if (!copy)
		return NULL;
	char *slash = strrchr(copy, '/');
	const char *name = slash ? slash + 1 : copy;
	if (slash)
		*slash = '\0';
	parent = realpath(!slash ? "." : slash == copy ? "/" : copy, NULL);
	if (parent && asprintf(&resolved, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, name) < 0)
		resolved = NULL;
	free(parent);
	free(copy);
	return resolved;
}

int fs_resolve(const char *path, char **ret)
{
	char *resolved = realpath(path, NULL);
	if (!resolved && errno != ENOMEM && *path)
		resolved = resolve_parent(path);
	if (!resolved)
		return -errno;
	*ret = resolved;
	return 0;
}
