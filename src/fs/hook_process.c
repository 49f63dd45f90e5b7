#include "hook_process.h"

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
#include "base/log.h"
#include "base/text.h"

#define CANNOT_START 127
#define DIRECTORY_FD 3 /* of the hook: an interpreter reads its script there */
#define VARIABLE_MAX 192
#define FIXED_PATH   "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* ---- in the child ---- */

static const struct {
	const char *name;
	enum hook_text text;
} variables[] = {
	{"VOUCHFS_EVENT_ID", HOOK_EVENT_ID}, {"VOUCHFS_EVENT", HOOK_EVENT}, {"VOUCHFS_OUTCOME", HOOK_OUTCOME},
	{"VOUCHFS_REASON", HOOK_REASON},     {"VOUCHFS_SLOT", HOOK_SLOT},
};

struct environment {
	char texts[ARRAY_SIZE(variables)][VARIABLE_MAX];
	char *all[ARRAY_SIZE(variables) + 2];
};

/* "" is left out. */
static void make_environment(const struct hook_record *record, struct environment *ret)
{
	static char path[] = FIXED_PATH;
	size_t count = 0;
	ret->all[count++] = path;
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *value = record->texts[variables[i].text];
		(void)snprintf(ret->texts[i], sizeof(ret->texts[i]), "%s=%s", variables[i].name, value);
		if (value[0])
			ret->all[count++] = ret->texts[i];
	}
	ret->all[count] = NULL;
}

static void reset_signals(void)
{
	sigset_t none;
	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What is started, and with what. */
struct call {
	int dirfd;
	const char *file;
	const struct hook_record *record;
	int input, output;
	pid_t parent;
};

static bool keep_directory(int dirfd)
{
	if (dirfd == DIRECTORY_FD) /* a copy would not be closed on exec, this would */
		return fcntl(dirfd, F_SETFD, 0) == 0;
	return dup2(dirfd, DIRECTORY_FD) >= 0;
}

/* 0 or an errno. */
static int leave_everything_behind(const struct call *call)
{
	reset_signals();
	(void)umask(022);
	if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return errno;
	if (getppid() != call->parent) /* it went before it could take us along */
		return ESRCH;
	if (dup2(call->input, STDIN_FILENO) < 0 || dup2(call->output, STDOUT_FILENO) < 0 ||
	    dup2(call->output, STDERR_FILENO) < 0 || !keep_directory(call->dirfd) ||
	    close_range(DIRECTORY_FD + 1, ~0U, 0) < 0 || chdir("/") < 0)
		return errno;
	return 0;
}

_Noreturn static void become_hook(const struct call *call)
{
	struct environment environment;
	char *argv[] = {(char *)call->file, NULL};
	make_environment(call->record, &environment);
	int error = leave_everything_behind(call);
	if (error == 0) {
		(void)execveat(DIRECTORY_FD, call->file, argv, environment.all, AT_SYMLINK_NOFOLLOW);
		error = errno;
	}
	(void)dprintf(STDERR_FILENO, "it cannot be started: %s\n", strerror(error));
	_exit(CANNOT_START);
}

/* ---- starting ---- */

/* The record and a newline fit into any pipe, so whether it is read is the hook's business. */
static int make_input(const struct hook_record *record, int *ret)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	int r = io_write_full(fds[1], record->texts[HOOK_LINE], strlen(record->texts[HOOK_LINE]));
	if (r == 0)
		r = io_write_full(fds[1], "\n", 1);
	io_close(&fds[1]);
	if (r < 0)
		io_close(&fds[0]);
	else
		*ret = fds[0];
	return r;
}

/* Our end does not block, the hook's does. */
static int make_output(int ret[2])
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0) {
		int r = -errno;
		io_close(&fds[0]);
		io_close(&fds[1]);
		return r;
	}
	memcpy(ret, fds, sizeof(fds));
	return 0;
}

static int start(const struct call *call, struct hook_process *p)
{
	p->pid = fork();
	if (p->pid < 0)
		return -errno;
	if (p->pid == 0)
		become_hook(call);
	p->pidfd = pidfd_open(p->pid, 0);
	return p->pidfd < 0 ? -errno : 0;
}

int hook_process_start(int dirfd, const char *file, const char *name, const struct hook_record *record,
		       struct hook_process *ret)
{
	struct hook_process p = {.name = name, .event = record->texts[HOOK_EVENT_ID], .pidfd = -1, .output = -1};
	int input = -1, output[2] = {-1, -1};
	int r = make_input(record, &input);
	if (r == 0)
		r = make_output(output);
	const struct call call = {dirfd, file, record, input, output[1], getpid()};
	if (r == 0)
		r = start(&call, &p);
	io_close(&input);
	io_close(&output[1]);
	p.output = output[0];
	if (r < 0 && p.pid > 0)
		hook_process_end(&p, "it cannot be watched");
	else if (r < 0)
		io_close(&p.output);
	else
		*ret = p;
	return r;
}

/* ---- what it says ---- */

static void log_line(struct hook_process *p)
{
	char shown[4 * sizeof(p->line) + 1];
	if (p->line_len == 0)
		return;
	if (p->lines++ < LIMIT_HOOK_LINES)
		log_notice("hook %s (event %s): %s", p->name, p->event,
			   text_escape_print(shown, sizeof(shown), p->line, p->line_len));
	else
		p->is_cut = true;
	p->line_len = 0;
}

static void take_output(struct hook_process *p, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n')
			log_line(p);
		else if (p->line_len < sizeof(p->line))
			p->line[p->line_len++] = bytes[i];
		else
			p->is_cut = true;
	}
}

/* False: there is no more for now. */
static bool read_some(struct hook_process *p)
{
	char bytes[4096];
	if (p->output < 0)
		return false;
	ssize_t got = read(p->output, bytes, sizeof(bytes));
	if (got > 0)
		take_output(p, bytes, (size_t)got);
	else if (got == 0 || (errno != EAGAIN && errno != EINTR))
		io_close(&p->output);
	return got > 0;
}

void hook_process_read(struct hook_process *process)
{
	(void)read_some(process);
}

/* ---- ending ---- */

int hook_process_adopt_orphans(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ? -errno : 0;
}

static void log_end(const struct hook_process *p, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		log_warning("hook %s (event %s) failed: exit status %d", p->name, p->event, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		log_warning("hook %s (event %s) failed: ended by signal %d (%s)", p->name, p->event, WTERMSIG(status),
			    strsignal(WTERMSIG(status)));
}

/* The group is killed while its number is still taken: the leader is reaped after that, then what it left to us. */
static int reap(pid_t pid, bool is_killed)
{
	siginfo_t info;
	int status = 0;
	if (!is_killed)
		while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
			;
	(void)kill(-pid, SIGKILL);
	(void)kill(pid, SIGKILL); /* it may not lead a group yet */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	while (waitpid(-pid, NULL, 0) > 0 || waitpid(-1, NULL, WNOHANG) > 0)
		;
	return status;
}

void hook_process_end(struct hook_process *process, const char *why_killed)
{
	int status = reap(process->pid, why_killed != NULL);
	/* what was written until then is in the pipe; what others may still write is not waited for */
	for (unsigned i = 0; i < LIMIT_HOOK_LINES && read_some(process); i++)
		;
	log_line(process);
	if (process->is_cut)
		log_notice("hook %s (event %s): what it wrote beyond that is left out", process->name, process->event);
	if (why_killed)
		log_warning("hook %s (event %s) was killed: %s", process->name, process->event, why_killed);
	else
		log_end(process, status);
	io_close(&process->output);
	io_close(&process->pidfd);
}
