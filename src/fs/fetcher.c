/* fetcher.c - when it is started, what becomes of its end, and who is told. */
#include "fetcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "plan.h"

#define NEVER	     UINT64_MAX
#define END_MAX_MS   2000
#define KILL_MAX_MS  1000
#define RESTART_MS   1000   /* twice as long after each further death */
#define RESTARTS_MAX 9	    /* doublings: some minutes */
#define STAYS_MS     600000 /* who has run so long does not die of what the one before died of */
#define EXIT_USAGE   2
#define EXIT_CONFIG  78
#define REPORT	     "/.vouchfs/policy/source"

/* ---- telling ---- */

/* Of a process with threads: nothing here allocates. It may hang with the mount, and then ends with it. */
static _Noreturn void write_report(const char *path, const char *line)
{
	if (close_range(STDERR_FILENO + 1, ~0U, 0) < 0 || _Fork() != 0)
		_exit(EXIT_SUCCESS);
	int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	_exit(fd >= 0 && write(fd, line, strlen(line)) > 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* To the log, and to who asks the mount what became of its source. A supervisor never waits for its own mount. */
static void tell(const struct fetcher *f, const char *why)
{
	char path[4096], line[EXPLAIN_MAX + 16];
	log_error("policy: nothing is fetched: %s", why);
	(void)snprintf(path, sizeof(path), "%s" REPORT, f->place.mountpoint);
	(void)snprintf(line, sizeof(line), "error %s\n", why);
	pid_t pid = fork();
	if (pid == 0)
		write_report(path, line);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* ---- starting ---- */

static void give_up(struct fetcher *f, const char *why)
{
	f->state = FETCHER_GIVEN_UP;
	f->due_ms = NEVER;
	tell(f, why);
}

static void start_later(struct fetcher *f, const char *what)
{
	struct explain why;
	uint64_t pause_ms = (uint64_t)RESTART_MS << (f->deaths < RESTARTS_MAX ? f->deaths : RESTARTS_MAX);
	f->deaths++;
	f->state = FETCHER_WAITING;
	f->due_ms = clock_monotonic_ms() + pause_ms;
	explain_set(&why, "%s; it is started again in %llu s", what, (unsigned long long)pause_ms / 1000);
	tell(f, why.text);
}

static void start(struct fetcher *f)
{
	struct explain why = {{0}};
	f->due_ms = NEVER;
	if (f->options.why_not.text[0]) {
		give_up(f, f->options.why_not.text);
		return;
	}
	int r = fetcher_start(&f->options, &f->place, &f->pid, &f->pidfd, &why);
	if (r == 0) {
		f->state = FETCHER_RUNNING;
		f->started_ms = clock_monotonic_ms();
	} else if (r == -ENOENT) {
		give_up(f, why.text);
	} else { /* no process or descriptor is left, which passes */
		start_later(f, why.text);
	}
}

void fetcher_begin(struct fetcher *fetcher, const struct plan *plan)
{
	fetcher->place = (struct fetcher_place){
		.mountpoint = plan->mountpoint,
		.log = plan->log,
		.background = !plan->foreground,
	};
	if (plan->fetch.source && fetcher_options_copy(&plan->fetch, &fetcher->options) == 0)
		start(fetcher);
}

void fetcher_take_time(struct fetcher *fetcher)
{
	if (fetcher->state == FETCHER_WAITING)
		start(fetcher);
}

/* ---- its end ---- */

static int reap(struct fetcher *f)
{
	int status = 0;
	while (waitpid(f->pid, &status, 0) < 0 && errno == EINTR)
		;
	io_close(&f->pidfd);
	f->pid = 0;
	return status;
}

static void take_death(struct fetcher *f, int status)
{
	char what[96];
	if (clock_monotonic_ms() - f->started_ms >= STAYS_MS)
		f->deaths = 0;
	if (WIFSIGNALED(status))
		(void)snprintf(what, sizeof(what), "vouchfs-fetch was ended by signal %d", WTERMSIG(status));
	else
		(void)snprintf(what, sizeof(what), "vouchfs-fetch ended with exit status %d", WEXITSTATUS(status));
	start_later(f, what);
}

void fetcher_take_end(struct fetcher *fetcher)
{
	int status = reap(fetcher);
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	if (code == FETCHER_NOT_CONFINED) {
		give_up(fetcher, "vouchfs-fetch cannot be started as the user who fetches ([policy] source_user)");
	} else if (code == FETCHER_NOT_EXECUTED) {
		give_up(fetcher, "vouchfs-fetch cannot be executed by the user who fetches ([policy] source_user); it "
				 "has to be mode 0755");
	} else if (code == EXIT_USAGE) {
		give_up(fetcher, "vouchfs-fetch is of another version than vouchfs; install both, then mount again");
	} else if (code == EXIT_CONFIG) { /* which it has said */
		fetcher->state = FETCHER_GIVEN_UP;
	} else {
		take_death(fetcher, status);
	}
}

static bool ends_within(const struct fetcher *f, int signal_number, int timeout_ms)
{
	struct pollfd end = {.fd = f->pidfd, .events = POLLIN};
	int count;
	(void)kill(f->pid, signal_number);
	do
		count = poll(&end, 1, timeout_ms);
	while (count < 0 && errno == EINTR);
	return count > 0;
}

static void stop(struct fetcher *f)
{
	if (f->state == FETCHER_RUNNING) {
		if (ends_within(f, SIGTERM, END_MAX_MS) || ends_within(f, SIGKILL, KILL_MAX_MS))
			(void)reap(f);
		io_close(&f->pidfd);
	}
	f->state = FETCHER_OFF;
	f->due_ms = NEVER;
	f->deaths = 0;
}

void fetcher_end(struct fetcher *fetcher)
{
	stop(fetcher);
	fetcher_options_done(&fetcher->options);
}

/* ---- while it runs ---- */

void fetcher_ask(struct fetcher *fetcher)
{
	if (fetcher->state == FETCHER_RUNNING)
		(void)kill(fetcher->pid, SIGUSR1);
	else if (fetcher->options.source)
		start(fetcher);
}

/* The host's own files say from where, whatever a bundle says. The daemon has found nothing wrong with them. */
static int read_options(const struct plan *plan, struct fetcher_options *ret)
{
	struct config *config = NULL;
	struct buf errors = {0};
	int r = config_load(plan->source, &config, &errors);
	if (r == 0)
		r = fetcher_options_make(config, &plan->user, ret);
	config_free(config);
	buf_done(&errors);
	return r;
}

void fetcher_renew(struct fetcher *fetcher, const struct plan *plan)
{
	struct fetcher_options options = {0};
	if (plan->kind != PLAN_DEPLOYMENT || read_options(plan, &options) < 0)
		return;
	if (!fetcher_options_equal(&fetcher->options, &options)) {
		stop(fetcher);
		if (!options.source)
			log_notice("policy: nothing is fetched any more");
	}
	fetcher_options_done(&fetcher->options);
	fetcher->options = options;
	fetcher_ask(fetcher);
}
