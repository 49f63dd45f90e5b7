#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"
#include "takeover.h"

#define SELF	      "/proc/self/exe"
#define PATH_BYTES    4096
#define ANSWER_BYTES  256
#define ARGUMENTS_MAX 64

extern char **environ;

int program_path(char **ret)
{
	char self[PATH_BYTES];
	const char *path = (const char *)getauxval(AT_EXECFN); /* of a link: that, since it may lead elsewhere later */
	if (!path || path[0] != '/' || text_starts_with(path, "/dev/fd/") || text_starts_with(path, "/proc/")) {
		ssize_t len = readlink(SELF, self, sizeof(self) - 1);
		if (len < 0)
			return -errno;
		self[len] = '\0';
		path = self;
	}
	char *copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

int program_open_running(void)
{
	int fd = open(SELF, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* ---- is it one ---- */

/* ret_output: what it writes. */
static int start(const char *path, pid_t *ret, int *ret_output)
{
	char name[] = "vouchfs", option[] = "--version";
	char variable[] = TAKEOVER_VARIABLE "=" TAKEOVER_QUESTION;
	char *argv[] = {name, option, NULL}, *envp[] = {variable, NULL};
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none;
	(void)sigemptyset(&none);
	ASSERT(posix_spawn_file_actions_init(&files) == 0 && posix_spawnattr_init(&attributes) == 0);
	int r = -posix_spawn_file_actions_adddup2(&files, fds[1], STDOUT_FILENO);
	if (r == 0)
		r = -posix_spawnattr_setsigmask(&attributes, &none);
	if (r == 0)
		r = -posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	if (r == 0)
		r = -posix_spawn(ret, path, &files, &attributes, argv, envp);
	ASSERT(posix_spawn_file_actions_destroy(&files) == 0 && posix_spawnattr_destroy(&attributes) == 0);
	io_close(&fds[1]);
	if (r < 0)
		io_close(&fds[0]);
	else
		*ret_output = fds[0];
	return r;
}

/* Until it has closed it, or the time is over. */
static size_t read_answer(int output, char *ret, size_t size)
{
	uint64_t until_ms = clock_monotonic_ms() + LIMIT_PROGRAM_CHECK_MS;
	size_t used = 0;
	for (uint64_t now_ms; used < size - 1 && (now_ms = clock_monotonic_ms()) < until_ms;) {
		struct pollfd fd = {.fd = output, .events = POLLIN};
		if (poll(&fd, 1, (int)(until_ms - now_ms)) <= 0)
			continue;
		ssize_t got = read(output, ret + used, size - 1 - used);
		if (got == 0 || (got < 0 && errno != EINTR))
			break;
		used += got > 0 ? (size_t)got : 0;
	}
	ret[used] = '\0';
	return used;
}

int program_check(const char *path, struct explain *ret_why)
{
	char answer[ANSWER_BYTES];
	pid_t pid = 0;
	int output = -1;
	int r = start(path, &pid, &output);
	if (r < 0) {
		explain_set(ret_why, "%s cannot be executed: %s", path, strerror(-r));
		return r;
	}
	ASSERT(pid > 0); /* kill: any other would be many */
	(void)read_answer(output, answer, sizeof(answer));
	io_close(&output);
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (text_starts_with(answer, TAKEOVER_ANSWER))
		return 0;
	explain_set(ret_why, "%s cannot take over a mount: it does not start, or is another version; unmount and mount",
		    path);
	return -EPROTONOSUPPORT;
}

/* ---- executing it ---- */

/* As this process was started, so that whoever looks for it by its arguments finds it. */
static int split_arguments(struct buf *text, char *ret[ARGUMENTS_MAX])
{
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	size_t count = 0;
	if (fd < 0)
		return -errno;
	int r = io_read_fd(fd, LIMIT_TAKEOVER_BYTES, text);
	io_close(&fd);
	if (r < 0)
		return r;
	for (char *at = text->data; at && at < text->data + text->len; at += strlen(at) + 1) {
		if (count + 1 >= ARGUMENTS_MAX)
			return -E2BIG;
		ret[count++] = at;
	}
	ret[count] = NULL;
	return count > 0 ? 0 : -EINVAL;
}

int program_execute(const char *path, int fd)
{
	struct buf text = {0};
	char *argv[ARGUMENTS_MAX];
	int r = split_arguments(&text, argv);
	if (r == 0) {
		if (path)
			(void)execve(path, argv, environ);
		else
			(void)execveat(fd, "", argv, environ, AT_EMPTY_PATH);
		r = -errno;
	}
	buf_done(&text);
	return r;
}
