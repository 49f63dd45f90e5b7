/*
 * injector.c - fails or kills at one system call of a process that runs, counted over all its threads (what strace's
 * inject cannot: it counts in each thread). It is driven line by line:
 *
 *     seize PID              every thread, and those that it starts        "ok"
 *     arm KIND N FAULT       the N-th call of a kind, counted from here    "ok"
 *     disarm                                                              "ok"
 *     look                   "<calls> <has the fault come: 0, 1> <is the process there: 0, 1>"
 *     kinds                  "<kind>=<calls> ..." since the last arm
 *     end                    lets go of all threads                       "ok"
 *
 * A kind is the name of a call and what it is about: "openat2:file", "read:fuse", "writev:fuse", "poll:-". "none"
 * counts and does nothing. FAULT is "kill", before the call, or the number of an errno: the call is not made, getpid is
 * in its place, which any seccomp filter lets pass. close is made all the same, as the kernel does.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MAX 512
#define KINDS_MAX   256
#define KIND_SIZE   64

struct call {
	long number;
	const char *name;
	enum { BY_PATH, BY_FD, NEITHER } by;
};

static const struct call calls[] = {
	{SYS_openat, "openat", BY_PATH},
	{SYS_openat2, "openat2", BY_PATH},
	{SYS_open, "open", BY_PATH},
	{SYS_newfstatat, "newfstatat", BY_PATH},
	{SYS_stat, "stat", BY_PATH},
	{SYS_lstat, "lstat", BY_PATH},
	{SYS_statx, "statx", BY_PATH},
	{SYS_access, "access", BY_PATH},
	{SYS_faccessat2, "faccessat2", BY_PATH},
	{SYS_readlinkat, "readlinkat", BY_PATH},
	{SYS_readlink, "readlink", BY_PATH},
	{SYS_mkdirat, "mkdirat", BY_PATH},
	{SYS_linkat, "linkat", BY_PATH},
	{SYS_unlinkat, "unlinkat", BY_PATH},
	{SYS_unlink, "unlink", BY_PATH},
	{SYS_rename, "rename", BY_PATH},
	{SYS_renameat, "renameat", BY_PATH},
	{SYS_renameat2, "renameat2", BY_PATH},
	{SYS_inotify_add_watch, "inotify_add_watch", BY_PATH},
	{SYS_fstat, "fstat", BY_FD},
	{SYS_fstatfs, "fstatfs", BY_FD},
	{SYS_read, "read", BY_FD},
	{SYS_readv, "readv", BY_FD},
	{SYS_pread64, "pread64", BY_FD},
	{SYS_preadv, "preadv", BY_FD},
	{SYS_write, "write", BY_FD},
	{SYS_writev, "writev", BY_FD},
	{SYS_pwrite64, "pwrite64", BY_FD},
	{SYS_pwritev, "pwritev", BY_FD},
	{SYS_lseek, "lseek", BY_FD},
	{SYS_fsync, "fsync", BY_FD},
	{SYS_fdatasync, "fdatasync", BY_FD},
	{SYS_sync_file_range, "sync_file_range", BY_FD},
	{SYS_ftruncate, "ftruncate", BY_FD},
	{SYS_fallocate, "fallocate", BY_FD},
	{SYS_getdents64, "getdents64", BY_FD},
	{SYS_fchmod, "fchmod", BY_FD},
	{SYS_fchown, "fchown", BY_FD},
	{SYS_flock, "flock", BY_FD},
	{SYS_fcntl, "fcntl", BY_FD},
	{SYS_ioctl, "ioctl", BY_FD},
	{SYS_close, "close", BY_FD},
	{SYS_splice, "splice", BY_FD},
	{SYS_copy_file_range, "copy_file_range", BY_FD},
	{SYS_sendmsg, "sendmsg", BY_FD},
	{SYS_sendto, "sendto", BY_FD},
	{SYS_recvmsg, "recvmsg", BY_FD},
	{SYS_recvfrom, "recvfrom", BY_FD},
	{SYS_connect, "connect", BY_FD},
	{SYS_dup, "dup", BY_FD},
	{SYS_poll, "poll", NEITHER},
	{SYS_ppoll, "ppoll", NEITHER},
	{SYS_sched_yield, "sched_yield", NEITHER},
	{SYS_getpid, "getpid", NEITHER},
	{SYS_geteuid, "geteuid", NEITHER},
	{SYS_getegid, "getegid", NEITHER},
	{SYS_rt_sigprocmask, "rt_sigprocmask", NEITHER},
	{SYS_rseq, "rseq", NEITHER},
	{SYS_set_robust_list, "set_robust_list", NEITHER},
	{SYS_uname, "uname", NEITHER},
	{SYS_epoll_wait, "epoll_wait", NEITHER},
	{SYS_epoll_ctl, "epoll_ctl", NEITHER},
	{SYS_inotify_init1, "inotify_init1", NEITHER},
	{SYS_dup3, "dup3", NEITHER},
	{SYS_mmap, "mmap", NEITHER},
	{SYS_munmap, "munmap", NEITHER},
	{SYS_mprotect, "mprotect", NEITHER},
	{SYS_madvise, "madvise", NEITHER},
	{SYS_brk, "brk", NEITHER},
	{SYS_mremap, "mremap", NEITHER},
	{SYS_clone, "clone", NEITHER},
	{SYS_clone3, "clone3", NEITHER},
	{SYS_getrandom, "getrandom", NEITHER},
	{SYS_clock_nanosleep, "clock_nanosleep", NEITHER},
	{SYS_nanosleep, "nanosleep", NEITHER},
	{SYS_socket, "socket", NEITHER},
	{SYS_eventfd2, "eventfd2", NEITHER},
	{SYS_timerfd_settime, "timerfd_settime", BY_FD},
	{SYS_timerfd_create, "timerfd_create", NEITHER},
	{SYS_inotify_rm_watch, "inotify_rm_watch", NEITHER},
	{SYS_memfd_create, "memfd_create", NEITHER},
	{SYS_getdents, "getdents", BY_FD},
};

struct thread {
	pid_t tid;
	bool in_call;
	bool has_fault; /* the call it is in gets the result at its end */
};

struct kind {
	char name[KIND_SIZE];
	unsigned calls;
};

struct injector {
	pid_t pid; /* 0: none */
	struct thread threads[THREADS_MAX];
	size_t thread_count;
	struct kind kinds[KINDS_MAX];
	size_t kind_count;
	bool armed;
	char kind[KIND_SIZE]; /* of the call that is to fail */
	unsigned nth;
	int fault; /* an errno, 0: kill */
	bool fired;
	unsigned long total;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct thread *find_thread(struct injector *in, pid_t tid)
{
	for (size_t i = 0; i < in->thread_count; i++)
		if (in->threads[i].tid == tid)
			return &in->threads[i];
	if (in->thread_count == THREADS_MAX)
		die("threads");
	in->threads[in->thread_count] = (struct thread){.tid = tid};
	return &in->threads[in->thread_count++];
}

static void forget_thread(struct injector *in, pid_t tid)
{
	for (size_t i = 0; i < in->thread_count; i++)
		if (in->threads[i].tid == tid)
			in->threads[i] = in->threads[--in->thread_count];
}

/* ---- what a call is about ---- */

static const char *object_of_fd(const struct injector *in, long fd)
{
	char path[64], target[256];
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%ld", (int)in->pid, fd);
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	if (len <= 0)
		return "none";
	target[len] = '\0';
	if (strncmp(target, "/dev/fuse", 9) == 0)
		return "fuse";
	return target[0] == '/' && strncmp(target, "/dev/", 5) != 0 && strncmp(target, "/proc/", 6) != 0 ? "file"
													 : "other";
}

static void name_kind(const struct injector *in, const struct user_regs_struct *regs, char ret[KIND_SIZE])
{
	long number = (long)regs->orig_rax, first = (long)regs->rdi;
	if (number == SYS_futex) { /* of which only the wait can be interrupted */
		long what = (long)regs->rsi & FUTEX_CMD_MASK;
		(void)snprintf(ret, KIND_SIZE, "futex:%s",
			       what == FUTEX_WAIT || what == FUTEX_WAIT_BITSET ? "wait" : "-");
		return;
	}
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (calls[i].number != number)
			continue;
		const char *object = calls[i].by == BY_PATH ? "file"
				     : calls[i].by == BY_FD ? object_of_fd(in, first)
							    : "-";
		(void)snprintf(ret, KIND_SIZE, "%s:%s", calls[i].name, object);
		return;
	}
	(void)snprintf(ret, KIND_SIZE, "call%ld:-", number);
}

static unsigned count(struct injector *in, const char *name)
{
	for (size_t i = 0; i < in->kind_count; i++)
		if (strcmp(in->kinds[i].name, name) == 0)
			return ++in->kinds[i].calls;
	if (in->kind_count == KINDS_MAX)
		die("kinds");
	struct kind *kind = &in->kinds[in->kind_count++];
	(void)snprintf(kind->name, sizeof(kind->name), "%s", name);
	return kind->calls = 1;
}

/* ---- stops ---- */

static void strike(struct injector *in, struct thread *thread, struct user_regs_struct *regs)
{
	in->fired = true;
	if (in->fault == 0) {
		(void)kill(in->pid, SIGKILL);
		return;
	}
	thread->has_fault = true;
	if (regs->orig_rax == SYS_close)
		return;
	regs->orig_rax = SYS_getpid;
	(void)ptrace(PTRACE_SETREGS, thread->tid, NULL, regs);
}

static void enter_call(struct injector *in, struct thread *thread)
{
	struct user_regs_struct regs;
	char name[KIND_SIZE];
	if (ptrace(PTRACE_GETREGS, thread->tid, NULL, &regs) < 0)
		return;
	in->total++;
	if (!in->armed)
		return;
	name_kind(in, &regs, name);
	unsigned nth = count(in, name);
	if (!in->fired && nth == in->nth && strcmp(name, in->kind) == 0)
		strike(in, thread, &regs);
}

static void leave_call(struct injector *in, struct thread *thread)
{
	struct user_regs_struct regs;
	if (!thread->has_fault)
		return;
	thread->has_fault = false;
	if (ptrace(PTRACE_GETREGS, thread->tid, NULL, &regs) < 0)
		return;
	regs.rax = (unsigned long long)(long)-in->fault;
	(void)ptrace(PTRACE_SETREGS, thread->tid, NULL, &regs);
}

static void take_stop(struct injector *in, pid_t tid, int status)
{
	struct thread *thread = find_thread(in, tid);
	int signal = WSTOPSIG(status), event = status >> 16, pass = 0;
	if (signal == (SIGTRAP | 0x80)) {
		if (thread->in_call)
			leave_call(in, thread);
		else
			enter_call(in, thread);
		thread->in_call = !thread->in_call;
	} else if (event == 0) {
		pass = signal;
	}
	(void)ptrace(PTRACE_SYSCALL, tid, NULL, pass);
}

static void take_stops(struct injector *in)
{
	int status;
	pid_t tid;
	while ((tid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
		if (WIFSTOPPED(status)) {
			take_stop(in, tid, status);
			continue;
		}
		forget_thread(in, tid);
		if (tid == in->pid)
			in->pid = 0;
	}
}

/* ---- commands ---- */

static bool is_known(const struct injector *in, pid_t tid)
{
	for (size_t i = 0; i < in->thread_count; i++)
		if (in->threads[i].tid == tid)
			return true;
	return false;
}

/* Threads that were started while the others were seized come in the next round. */
static bool seize_more(struct injector *in)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)in->pid);
	DIR *dir = opendir(path);
	bool more = false;
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		pid_t tid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)atoi(entry->d_name) : 0;
		if (tid == 0 || is_known(in, tid) ||
		    ptrace(PTRACE_SEIZE, tid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE) < 0)
			continue;
		(void)find_thread(in, tid);
		(void)ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
		more = true;
	}
	if (dir)
		(void)closedir(dir);
	return more;
}

static void end(struct injector *in)
{
	int status;
	for (size_t i = 0; in->pid != 0 && i < in->thread_count; i++) {
		pid_t tid = in->threads[i].tid;
		/* whatever it stops at next is the interruption, or as good */
		if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0 && waitpid(tid, &status, __WALL) == tid &&
		    WIFSTOPPED(status))
			(void)ptrace(PTRACE_DETACH, tid, NULL,
				     WSTOPSIG(status) == (SIGTRAP | 0x80) || status >> 16 ? 0 : WSTOPSIG(status));
	}
	in->pid = 0;
	in->thread_count = 0;
}

static void arm(struct injector *in, const char *line)
{
	char kind[KIND_SIZE], fault[16];
	unsigned nth;
	if (sscanf(line, "arm %63s %u %15s", kind, &nth, fault) != 3)
		die("arm");
	memcpy(in->kind, kind, sizeof(kind));
	in->nth = nth;
	in->fault = strcmp(fault, "kill") == 0 ? 0 : atoi(fault);
	in->fired = false;
	in->kind_count = 0;
	in->armed = true;
}

static void answer(struct injector *in, const char *line)
{
	if (strncmp(line, "seize ", 6) == 0) {
		in->pid = (pid_t)atoi(line + 6);
		while (seize_more(in))
			;
	} else if (strncmp(line, "arm ", 4) == 0) {
		arm(in, line);
	} else if (strcmp(line, "disarm") == 0) {
		in->armed = false;
	} else if (strcmp(line, "look") == 0) {
		printf("%lu %d %d\n", in->total, in->fired, in->pid != 0);
		return;
	} else if (strcmp(line, "kinds") == 0) {
		for (size_t i = 0; i < in->kind_count; i++)
			printf("%s=%u ", in->kinds[i].name, in->kinds[i].calls);
		printf("\n");
		return;
	} else if (strcmp(line, "end") == 0) {
		end(in);
	}
	printf("ok\n");
}

int main(void)
{
	struct injector in = {0};
	char line[256];
	sigset_t set;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	int children = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (children < 0)
		die("signalfd");
	(void)setvbuf(stdin, NULL, _IONBF, 0);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	for (;;) {
		struct pollfd fds[] = {{.fd = 0, .events = POLLIN}, {.fd = children, .events = POLLIN}};
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			die("poll");
		struct signalfd_siginfo info;
		if (fds[1].revents && read(children, &info, sizeof(info)) < 0 && errno != EAGAIN)
			die("read");
		take_stops(&in);
		if (!fds[0].revents)
			continue;
		if (!fgets(line, sizeof(line), stdin))
			return 0; /* the kernel lets go of what is seized */
		line[strcspn(line, "\n")] = '\0';
		answer(&in, line);
	}
}
