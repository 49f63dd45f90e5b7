/* A list of what is refused, not of what is allowed: resolvers of other hosts and later libraries call what they like.
 */
#include "confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

#ifdef MACHINE

static const int refused[] = {
	SYS_execve,
	SYS_execveat,
#ifdef SYS_fork
	SYS_fork,
	SYS_vfork,
#endif
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_pidfd_getfd,
	SYS_pidfd_send_signal,
	SYS_kcmp,
	SYS_kill,
	SYS_listen,
	SYS_accept,
	SYS_accept4,
	SYS_unshare,
	SYS_setns,
	SYS_chroot,
	SYS_pivot_root,
	SYS_mount,
	SYS_umount2,
	SYS_fsopen,
	SYS_move_mount,
	SYS_open_tree,
	SYS_open_by_handle_at,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_io_uring_setup,
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	SYS_personality,
};

#define LOAD(member)		  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define RETURN(what)		  BPF_STMT(BPF_RET | BPF_K, (what))
#define SKIP_UNLESS(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (count))
#define REFUSE(error)		  RETURN(SECCOMP_RET_ERRNO | (error))
#define X32_BIT			  0x40000000U

/* The C library falls back to clone, whose flags can be looked at, where there is no clone3. */
static const struct sock_filter before[] = {
	LOAD(arch),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0),
	RETURN(SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1),
	REFUSE(ENOSYS),
	SKIP_UNLESS(SYS_clone3, 1),
	REFUSE(ENOSYS),
	SKIP_UNLESS(SYS_clone, 4),
	LOAD(args[0]),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1),
	RETURN(SECCOMP_RET_ALLOW),
	REFUSE(EPERM),
};

bool confine_calls(void)
{
	struct sock_filter filter[ARRAY_SIZE(before) + 2 * ARRAY_SIZE(refused) + 1];
	unsigned short count = 0;
	for (size_t i = 0; i < ARRAY_SIZE(before); i++)
		filter[count++] = before[i];
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		filter[count++] = (struct sock_filter)SKIP_UNLESS((unsigned)refused[i], 1);
		filter[count++] = (struct sock_filter)REFUSE(EPERM);
	}
	filter[count++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	const struct sock_fprog program = {.len = count, .filter = filter};
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

#else

bool confine_calls(void)
{
	return false;
}

#endif
