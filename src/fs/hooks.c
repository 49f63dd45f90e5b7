/* hooks.c - the supervisor's side: the runner's start and end. */
#include "hooks.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/service_manager.h"
#include "hook_runner.h"

#define RUNNER_SOCKET 3 /* the only file it keeps, beside the standard ones */
#define END_MAX_MS    (LIMIT_HOOK_GRACE_MS + 1000)

/* Of the log it has only where that goes: a thread does not come along, and this process may wait. */
static int begin_runner(const struct hooks_options *options, const struct log_options *log, int fd)
{
	struct explain why;
	if ((fd != RUNNER_SOCKET && dup3(fd, RUNNER_SOCKET, O_CLOEXEC) < 0) ||
	    close_range(RUNNER_SOCKET + 1, ~0U, 0) < 0)
		return -errno;
	(void)prctl(PR_SET_NAME, "vouchfs-hooks");
	(void)setsid();
	service_manager_forget();
	log_open(&(struct log_options){.target = log->target, .background = log->background});
	if (log->background)
		log_leave_terminal();
	if (privileges_become(&options->user, &why) < 0) {
		log_error("hooks: none is run: %s", why.text);
		return -EPERM;
	}
	return 0;
}

_Noreturn static void be_runner(const struct hooks_options *options, const struct log_options *log, int fd)
{
	service_manager_forget();
	int r = begin_runner(options, log, fd);
	exit(r < 0 ? EXIT_FAILURE : hook_runner_main(options, RUNNER_SOCKET));
}

struct hooks hooks_start(const struct hooks_options *options, const struct log_options *log)
{
	struct hooks hooks = {.feed = -1};
	int pair[2];
	if (!options->directory)
		return hooks;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		log_error("hooks: none is run: %s", strerror(errno));
		return hooks;
	}
	pid_t runner = fork();
	if (runner == 0)
		be_runner(options, log, pair[0]);
	io_close(&pair[0]);
	if (runner < 0) {
		log_error("hooks: none is run: %s", strerror(errno));
		io_close(&pair[1]);
		return hooks;
	}
	return (struct hooks){.runner = runner, .feed = pair[1]};
}

static void await_end(pid_t runner)
{
	int fd = pidfd_open(runner, 0);
	struct pollfd end = {.fd = fd, .events = POLLIN};
	int count;
	do
		count = poll(&end, 1, END_MAX_MS);
	while (count < 0 && errno == EINTR);
	if (fd < 0 || count <= 0) {
		log_warning("hooks: the process that runs them does not end; killed");
		(void)kill(runner, SIGKILL);
	}
	io_close(&fd);
}

void hooks_end(struct hooks *hooks)
{
	io_close(&hooks->feed);
	if (hooks->runner <= 0)
		return;
	await_end(hooks->runner);
	while (waitpid(hooks->runner, NULL, 0) < 0 && errno == EINTR)
		;
	hooks->runner = 0;
}
