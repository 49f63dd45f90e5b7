/*
 * Which system calls the daemon keeps. What is not here ends it: no program, no other process, no socket but AF_UNIX
 * (journal, syslog, names of users), no mount, no change of user, no bpf, keyctl, io_uring, and nothing that is newer
 * than this list. A call that libraries try and can do without is refused by an errno instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confinement.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER
#endif

#define ALL UINT32_MAX
#define NAMESPACES                                                                                                     \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

#define CALL(name)                                                                                                     \
	{                                                                                                              \
		.number = SYS_##name                                                                                   \
	}
#define REFUSED(name, errno)                                                                                           \
	{                                                                                                              \
		.number = SYS_##name, .error = (errno)                                                                 \
	}
#define NOT(name, at, is)                                                                                              \
	{                                                                                                              \
		.number = SYS_##name, .error = EPERM, .argument = (at), .mask = ALL, .value = (is)                     \
	}
#define IF(name, at, bits, is)                                                                                         \
	{                                                                                                              \
		.number = SYS_##name, .argument = (at), .mask = (bits), .value = (is)                                  \
	}

/* By what is done. */
/* clang-format off */
static const struct confine_call of_all[] = {
	/* requests and answers, and what is open */
	CALL(read), CALL(write), CALL(writev), CALL(pread64), CALL(pwrite64), CALL(lseek), CALL(close), CALL(dup3),
	CALL(close_range),
	/* but for signals, which the kernel sends to whom it is told, and for holding up who opens a file */
	NOT(fcntl, 1, F_SETOWN), NOT(fcntl, 1, F_SETOWN_EX), NOT(fcntl, 1, F_SETSIG), NOT(fcntl, 1, F_NOTIFY),
	NOT(fcntl, 1, F_SETLEASE), CALL(fcntl),
	/* files: what of them, Landlock says */
	CALL(openat), CALL(openat2), CALL(fstat), CALL(newfstatat), CALL(fstatfs), CALL(getdents64), CALL(readlinkat),
	CALL(faccessat2), CALL(fsync), CALL(sync_file_range), CALL(ftruncate), CALL(fchmod), CALL(mkdirat),
	CALL(unlinkat), CALL(linkat), CALL(renameat2),
	/* what is waited for */
#ifdef SYS_poll
	CALL(poll),
#endif
	CALL(ppoll), CALL(epoll_ctl), CALL(epoll_pwait), CALL(timerfd_settime), CALL(inotify_init1),
	CALL(inotify_add_watch), CALL(clock_nanosleep), CALL(futex), CALL(sched_yield), CALL(restart_syscall),
	/* memory, none of which can be run */
	IF(mmap, 2, PROT_EXEC, 0), REFUSED(mmap, EPERM), IF(mprotect, 2, PROT_EXEC, 0), REFUSED(mprotect, EPERM),
	CALL(munmap), CALL(mremap), CALL(madvise), CALL(brk),
	/* threads of its own */
	IF(clone, 0, CLONE_THREAD | NAMESPACES, CLONE_THREAD), CONFINE_NO_CLONE3, CALL(set_robust_list), CALL(rseq),
	CALL(sched_getaffinity), CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(exit),
	CALL(exit_group), IF(prctl, 0, ALL, PR_SET_NAME), IF(prctl, 0, ALL, PR_GET_NO_NEW_PRIVS),
	REFUSED(prctl, EPERM),
	/* what it is */
	CALL(getpid), CALL(gettid), CALL(geteuid), CALL(getegid), CALL(uname), CALL(sysinfo), CALL(getrandom), CALL(clock_gettime),
	IF(prlimit64, 0, ALL, 0), REFUSED(prlimit64, EPERM), /* its own: hard limits stay */
	/* the supervisor, the log, names of users */
	IF(socket, 0, ALL, AF_UNIX), CALL(connect), CALL(sendto), CALL(sendmsg), CALL(recvfrom), CALL(recvmsg),
	CALL(getsockopt), CALL(setsockopt), CALL(memfd_create),
	/* of a file that is no terminal */
	REFUSED(ioctl, ENOTTY),
};

/* An authority's time stamps come over a network, and a home is locked. */
static const struct confine_call of_signing[] = {
	IF(socket, 0, ALL, AF_INET), IF(socket, 0, ALL, AF_INET6), IF(socket, 0, ALL, AF_NETLINK), CALL(bind),
	CALL(getsockname), CALL(getpeername), CALL(sendmmsg), CALL(recvmmsg), CALL(pselect6), CALL(rt_sigtimedwait),
	CALL(flock), CALL(getuid), CALL(faccessat),
#ifdef SYS_open
	CALL(access), CALL(readlink), CALL(unlink), CALL(rename), CALL(mkdir), CALL(select),
#endif
};

/* Behind those above: what a module of the C library's may try. */
static const struct confine_call no_sockets[] = {REFUSED(socket, EAFNOSUPPORT)};

#ifdef HAS_SANITIZER
/* Before those above: shadow memory, and at the end who looks for leaks, as a process that attaches to this one. */
static const struct confine_call of_sanitizer[] = {
	CALL(mmap), CALL(mprotect), CALL(prctl), CALL(ioctl), CALL(prlimit64), CALL(sigaltstack), CALL(clone),
	CALL(ptrace), CALL(wait4), CALL(gettid), CALL(getppid), CALL(kill), CALL(tgkill), CALL(sched_setaffinity),
	CALL(personality), CALL(pipe2), CALL(getuid), CALL(nanosleep), CALL(faccessat),
#ifdef SYS_open
	CALL(open), CALL(readlink), CALL(stat), CALL(lstat), CALL(access), CALL(unlink), CALL(rename), CALL(dup2),
	CALL(getdents), CALL(arch_prctl), CALL(getrlimit), CALL(setrlimit), CALL(time),
#endif
};
#endif
/* clang-format on */

/*
 * Of a module for tokens nobody knows what it calls. It runs no program all the same, makes no process, and touches
 * neither other processes nor what is mounted.
 */
static const struct confine_call refused[] = {
	CONFINE_NO_CLONE3,
	{.number = SYS_clone, .error = EPERM, .mask = CLONE_THREAD, .value = 0},
	REFUSED(execve, EPERM),
	REFUSED(execveat, EPERM),
#ifdef SYS_fork
	REFUSED(fork, EPERM),
	REFUSED(vfork, EPERM),
#endif
	REFUSED(ptrace, EPERM),
	REFUSED(process_vm_readv, EPERM),
	REFUSED(process_vm_writev, EPERM),
	REFUSED(pidfd_getfd, EPERM),
	REFUSED(kcmp, EPERM),
	NOT(fcntl, 1, F_SETOWN),
	NOT(fcntl, 1, F_SETOWN_EX),
	NOT(fcntl, 1, F_SETSIG),
	REFUSED(unshare, EPERM),
	REFUSED(setns, EPERM),
	REFUSED(chroot, EPERM),
	REFUSED(pivot_root, EPERM),
	REFUSED(mount, EPERM),
	REFUSED(umount2, EPERM),
	REFUSED(fsopen, EPERM),
	REFUSED(fsmount, EPERM),
	REFUSED(move_mount, EPERM),
	REFUSED(open_tree, EPERM),
	REFUSED(mount_setattr, EPERM),
	REFUSED(open_by_handle_at, EPERM),
	REFUSED(bpf, EPERM),
	REFUSED(perf_event_open, EPERM),
	REFUSED(userfaultfd, EPERM),
	REFUSED(io_uring_setup, EPERM),
	REFUSED(add_key, EPERM),
	REFUSED(request_key, EPERM),
	REFUSED(keyctl, EPERM),
	REFUSED(init_module, EPERM),
	REFUSED(finit_module, EPERM),
	REFUSED(kexec_load, EPERM),
	REFUSED(mknodat, EPERM),
	REFUSED(setuid, EPERM),
	REFUSED(setresuid, EPERM),
	REFUSED(setreuid, EPERM),
};

/* ---- the list of this process ---- */

#define ROWS_MAX 192

struct rows {
	struct confine_call all[ROWS_MAX];
	size_t count;
};

static void add(struct rows *rows, const struct confine_call *some, size_t count)
{
	ASSERT(rows->count + count <= ROWS_MAX);
	memcpy(rows->all + rows->count, some, count * sizeof(*some));
	rows->count += count;
}

static int allow_listed(bool is_signing)
{
	const struct confine_call to_itself[] = {
		IF(tgkill, 0, ALL, (uint32_t)getpid()), /* between threads, and of abort, which asks for gettid */
#ifdef VOUCHFS_TEST_HOOKS
		IF(kill, 0, ALL, (uint32_t)getpid()), /* a fault that is injected */
#endif
	};
	struct rows rows = {.count = 0};
#ifdef HAS_SANITIZER
	add(&rows, of_sanitizer, ARRAY_SIZE(of_sanitizer));
#endif
	add(&rows, of_all, ARRAY_SIZE(of_all));
	add(&rows, to_itself, ARRAY_SIZE(to_itself));
	if (is_signing)
		add(&rows, of_signing, ARRAY_SIZE(of_signing));
	add(&rows, no_sockets, ARRAY_SIZE(no_sockets));
	return confine_calls(rows.all, rows.count, CONFINE_KILLS);
}

int confinement_close_calls(const struct confinement *confinement, struct explain *ret_why)
{
	if (confinement->is_off || !confine_has_calls())
		return 0; /* what is required has been asked for */
	int r = confinement->is_loose ? confine_calls(refused, ARRAY_SIZE(refused), CONFINE_ALLOWS)
				      : allow_listed(confinement->is_signing);
	if (r < 0)
		explain_set(ret_why, "system calls cannot be closed: %s", strerror(-r));
	return r;
}
