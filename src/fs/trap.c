/* See trap.h. Raw system calls, as they would be made from code that was brought in. */
#include "trap.h"

#ifdef VOUCHFS_TEST_HOOKS

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"

#define TEXT_MAX 512

static int result_of(long r)
{
	return r < 0 ? -errno : 0;
}

static int close_again(int fd)
{
	int r = result_of(fd);
	io_close(&fd);
	return r;
}

/* ---- files ---- */

static int try_read(const char *path)
{
	char byte;
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = result_of(fd);
	if (r == 0)
		r = result_of(read(fd, &byte, 1));
	io_close(&fd);
	return r;
}

static int try_list(const char *path)
{
	return close_again(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int try_write(const char *path)
{
	return close_again(open(path, O_WRONLY | O_CLOEXEC));
}

static int try_create(const char *path)
{
	return close_again(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

static int try_mkdir(const char *path)
{
	return result_of(mkdirat(AT_FDCWD, path, 0700));
}

static int try_unlink(const char *path)
{
	return result_of(unlinkat(AT_FDCWD, path, 0));
}

static int try_symlink(const char *path)
{
	return result_of(symlinkat("/etc/shadow", AT_FDCWD, path));
}

static int try_mknod(const char *path)
{
	return result_of(mknodat(AT_FDCWD, path, S_IFCHR | 0600, 0x103)); /* null */
}

static int try_chmod(const char *path)
{
	return result_of(fchmodat(AT_FDCWD, path, 04755, 0));
}

/* "<directory> <path below it>" by the function that the store opens by. */
static int try_beneath(const char *text)
{
	char directory[TEXT_MAX];
	size_t len = strcspn(text, " ");
	(void)snprintf(directory, sizeof(directory), "%.*s", (int)len, text);
	int dirfd = io_open_dir(directory);
	if (dirfd < 0)
		return dirfd;
	int fd = io_openat(dirfd, text + len + 1, O_RDONLY, 0), r = fd < 0 ? fd : 0;
	io_close(&fd);
	io_close(&dirfd);
	return r;
}

/* ---- sockets ---- */

static int try_connect(const char *port)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
				       .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
				       .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r = result_of(fd);
	if (r == 0)
		r = result_of(connect(fd, (const struct sockaddr *)&to, sizeof(to)));
	io_close(&fd);
	return r;
}

static int try_netlink(const char *unused UNUSED)
{
	return close_again(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

/* ---- processes ---- */

static int try_exec(const char *script)
{
	char shell[] = "/bin/sh", option[] = "-c", text[TEXT_MAX];
	char *argv[] = {shell, option, text, NULL};
	(void)snprintf(text, sizeof(text), "%s", script);
	return result_of(execve(shell, argv, argv + 3));
}

static int try_fork(const char *unused UNUSED)
{
	pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (child == 0)
		_exit(0);
	int r = result_of(child);
	if (r == 0)
		(void)waitpid(child, NULL, 0);
	return r;
}

static pid_t pid_of(const char *text)
{
	return (pid_t)strtol(text, NULL, 10);
}

static int try_ptrace(const char *pid)
{
	int r = result_of(ptrace(PTRACE_SEIZE, pid_of(pid), NULL, NULL));
	if (r == 0)
		(void)ptrace(PTRACE_DETACH, pid_of(pid), NULL, NULL);
	return r;
}

/* Of the supervisor, whose addresses are this process's, since that was forked from it. */
static int try_peek(const char *pid)
{
	char byte;
	static const char there[] = "?";
	const struct iovec to = {&byte, 1}, from = {(char *)there, 1};
	return result_of(process_vm_readv(pid_of(pid), &to, 1, &from, 1, 0));
}

static int try_kill(const char *pid)
{
	return result_of(kill(pid_of(pid), 0));
}

/* Signals by the kernel's hand, of which Landlock knows from Linux 6.12 on. */
static int try_own(const char *pid)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), r = result_of(fd);
	if (r == 0)
		r = result_of(fcntl(fd, F_SETOWN, pid_of(pid)));
	io_close(&fd);
	return r;
}

static int try_own_signal(const char *unused UNUSED)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), r = result_of(fd);
	if (r == 0)
		r = result_of(fcntl(fd, F_SETSIG, SIGKILL));
	io_close(&fd);
	return r;
}

/* Another process's limits, from where the lower half of an address is zero; it has none of core files anyway. */
static int try_limit(const char *pid)
{
	void *page = mmap((void *)0x100000000, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (page == MAP_FAILED)
		return -errno;
	int r = result_of(syscall(SYS_prlimit64, pid_of(pid), RLIMIT_CORE, page, NULL));
	(void)munmap(page, 4096);
	return r;
}

static int try_run_memory(const char *unused UNUSED)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return -errno;
	(void)munmap(page, 4096);
	return 0;
}

/* ---- privileges and the kernel ---- */

static int try_setuid(const char *unused UNUSED)
{
	return result_of(syscall(SYS_setuid, 0));
}

static int try_mount(const char *path)
{
	int r = result_of(mount("trap", path, "tmpfs", 0, NULL));
	if (r == 0)
		(void)umount2(path, MNT_DETACH);
	return r;
}

static int try_unshare(const char *unused UNUSED)
{
	return result_of(unshare(CLONE_NEWUTS));
}

static int try_user_namespace(const char *unused UNUSED)
{
	return result_of(unshare(CLONE_NEWUSER));
}

static int try_keyctl(const char *unused UNUSED)
{
	return result_of(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1));
}

static int try_io_uring(const char *unused UNUSED)
{
	uint8_t parameters[120] = {0};
	return close_again((int)syscall(SYS_io_uring_setup, 1, parameters));
}

static int try_bpf(const char *unused UNUSED)
{
	uint32_t map[32] = {2, 4, 4, 1}; /* an array of one */
	return close_again((int)syscall(SYS_bpf, 0, map, sizeof(map)));
}

static int try_chroot(const char *path UNUSED)
{
	return result_of(chroot("/"));
}

static int try_dumpable(const char *unused UNUSED)
{
	int r = result_of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return r;
}

static const struct act {
	const char *name;
	int (*try)(const char *argument);
} acts[] = {
	{"read", try_read},
	{"list", try_list},
	{"write", try_write},
	{"create", try_create},
	{"mkdir", try_mkdir},
	{"unlink", try_unlink},
	{"symlink", try_symlink},
	{"mknod", try_mknod},
	{"chmod", try_chmod},
	{"beneath", try_beneath},
	{"connect", try_connect},
	{"netlink", try_netlink},
	{"exec", try_exec},
	{"fork", try_fork},
	{"ptrace", try_ptrace},
	{"peek", try_peek},
	{"kill", try_kill},
	{"run-memory", try_run_memory},
	{"own", try_own},
	{"own-signal", try_own_signal},
	{"limit", try_limit},
	{"setuid", try_setuid},
	{"mount", try_mount},
	{"unshare", try_unshare},
	{"userns", try_user_namespace},
	{"keyctl", try_keyctl},
	{"io_uring", try_io_uring},
	{"bpf", try_bpf},
	{"chroot", try_chroot},
	{"dumpable", try_dumpable},
};

static void put(int fd, const char *text)
{
	ASSERT(ftruncate(fd, 0) == 0);
	(void)io_pwrite_full(fd, text, strlen(text), 0);
}

static void spring(int fd, const char *text)
{
	size_t len = strcspn(text, " ");
	put(fd, "?");
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
		if (strlen(acts[i].name) == len && memcmp(acts[i].name, text, len) == 0) {
			int r = acts[i].try(text[len] ? text + len + 1 : "");
			put(fd, r == 0 ? "0" : strerrorname_np(-r));
			return;
		}
	put(fd, "unknown");
}

void trap_spring(void)
{
	char text[TEXT_MAX + 1] = "";
	const char *number = getenv("VOUCHFS_TEST_TRAP");
	if (!number)
		return;
	int fd = (int)strtol(number, NULL, 10);
	ssize_t got = pread(fd, text, TEXT_MAX, 0);
	text[got > 0 ? got : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (text[0] >= 'a' && text[0] <= 'z')
		spring(fd, text);
}

#endif
