/*
 * fetcher_start.c - from a process with threads and privileges to a program that has nothing of either: all that is
 * passed is made before the fork, and what happens behind it allocates nothing and takes no lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "fetcher.h"

#define PROGRAM	      "vouchfs-fetch"
#define ARGUMENTS_MAX 12
#define VARIABLES_MAX 32

extern char **environ;

/* ---- which file ---- */

static int open_program(const char *directory, const char *below)
{
	char path[4096];
	int len = snprintf(path, sizeof(path), "%s%s/" PROGRAM, directory, below);
	if (len < 0 || (size_t)len >= sizeof(path))
		return -ENAMETOOLONG;
	int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	io_close(&fd);
	return -ENOENT;
}

int fetcher_find(void)
{
	char self[4096];
	int fd = -ENOENT;
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len > 0) {
		self[len] = '\0';
		*strrchr(self, '/') = '\0';
		fd = open_program(self, "");
		if (fd < 0)
			fd = open_program(self, "/../libexec/vouchfs");
	}
	return fd < 0 ? open_program(VOUCHFS_LIBEXECDIR, "") : fd;
}

/* ---- with what ---- */

struct call {
	int program;
	pid_t parent;
	const struct service_user *user;
	char interval[32];
	char *argv[ARGUMENTS_MAX];
	char *envp[VARIABLES_MAX];
};

static void make_arguments(const struct fetcher_options *options, const struct fetcher_place *place, struct call *call)
{
	size_t count = 0;
	const char *all[ARGUMENTS_MAX] = {PROGRAM,
					  "--source",
					  options->source,
					  "--interval",
					  call->interval,
					  "--log",
					  log_target_name(place->log)};
	(void)snprintf(call->interval, sizeof(call->interval), "%llus", (unsigned long long)options->interval_s);
	while (all[count])
		count++;
	if (options->ca) {
		all[count++] = "--ca";
		all[count++] = options->ca;
	}
	if (place->background)
		all[count++] = "--background";
	all[count] = place->mountpoint;
	for (size_t i = 0; i <= count; i++)
		call->argv[i] = (char *)all[i];
}

/* Proxies, as everybody names them, and how the log is found. */
static bool is_passed(const char *variable)
{
	static const char *const names[] = {"https_proxy=", "HTTPS_PROXY=", "all_proxy=", "ALL_PROXY=",
					    "no_proxy=",    "NO_PROXY=",    "LC_ALL=",	  "JOURNAL_STREAM=",
#ifdef VOUCHFS_TEST_HOOKS
					    "VOUCHFS_TEST_"
#endif
	};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (text_starts_with(variable, names[i]))
			return true;
	return false;
}

static void make_environment(struct call *call)
{
	size_t count = 0;
	for (char **variable = environ; *variable && count + 1 < VARIABLES_MAX; variable++)
		if (is_passed(*variable))
			call->envp[count++] = *variable;
}

/* ---- in the child ---- */

/* SIGUSR1 waits until somebody takes it. */
static void reset_signals(void)
{
	sigset_t blocked;
	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL);
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGUSR1);
	(void)sigprocmask(SIG_SETMASK, &blocked, NULL);
}

/* A change of the user undoes what a parent's death means, so that comes last. */
static bool leave_everything_behind(const struct call *call)
{
	struct explain unused;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	reset_signals();
	(void)umask(022);
	return setsid() >= 0 && null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
	       close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0 && chdir("/") == 0 &&
	       privileges_become(call->user, &unused) == 0 && prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 &&
	       getppid() == call->parent;
}

/* By its descriptor: the directories on the way to it need not be open to the user who fetches. */
static _Noreturn void become_program(const struct call *call)
{
	if (!leave_everything_behind(call))
		_exit(FETCHER_NOT_CONFINED);
	(void)execveat(call->program, "", call->argv, call->envp, AT_EMPTY_PATH);
	_exit(FETCHER_NOT_EXECUTED);
}

int fetcher_start(const struct fetcher_options *options, const struct fetcher_place *place, pid_t *ret, int *ret_pidfd,
		  struct explain *ret_why)
{
	struct call call = {.program = fetcher_find(), .parent = getpid(), .user = &options->user};
	int r = call.program < 0 ? call.program : 0;
	if (r < 0) {
		if (r == -ENOENT)
			explain_set(ret_why,
				    PROGRAM " is not installed: expected beside vouchfs or in " VOUCHFS_LIBEXECDIR
					    "; install it, then `vouchfs reload`");
		else
			explain_set(ret_why, PROGRAM " cannot be opened: %s", strerror(-r));
		return r;
	}
	make_arguments(options, place, &call);
	make_environment(&call);
	pid_t pid = fork();
	if (pid == 0)
		become_program(&call);
	int pidfd = pid < 0 ? -1 : pidfd_open(pid, 0);
	if (pidfd < 0) {
		r = -errno;
		explain_set(ret_why, PROGRAM " cannot be started: %s", strerror(-r));
		if (pid > 0) {
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, NULL, 0);
		}
	} else {
		*ret = pid;
		*ret_pidfd = pidfd;
	}
	io_close(&call.program);
	return r;
}
