/* A list of what is refused, not of what is allowed: resolvers of other hosts and later libraries call what they like.
 */
#include "confine.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>

#include "base/confine.h"

#define REFUSED(call)                                                                                                  \
	{                                                                                                              \
		.number = (call), .error = EPERM                                                                       \
	}

static const struct confine_call refused[] = {
	CONFINE_NO_CLONE3,
	{.number = SYS_clone, .error = EPERM, .mask = CLONE_THREAD, .value = 0}, /* threads are made by it, too */
	REFUSED(SYS_execve),
	REFUSED(SYS_execveat),
#ifdef SYS_fork
	REFUSED(SYS_fork),
	REFUSED(SYS_vfork),
#endif
	REFUSED(SYS_ptrace),
	REFUSED(SYS_process_vm_readv),
	REFUSED(SYS_process_vm_writev),
	REFUSED(SYS_pidfd_getfd),
	REFUSED(SYS_pidfd_send_signal),
	REFUSED(SYS_kcmp),
	REFUSED(SYS_kill),
	REFUSED(SYS_listen),
	REFUSED(SYS_accept),
	REFUSED(SYS_accept4),
	REFUSED(SYS_unshare),
	REFUSED(SYS_setns),
	REFUSED(SYS_chroot),
	REFUSED(SYS_pivot_root),
	REFUSED(SYS_mount),
	REFUSED(SYS_umount2),
	REFUSED(SYS_fsopen),
	REFUSED(SYS_move_mount),
	REFUSED(SYS_open_tree),
	REFUSED(SYS_open_by_handle_at),
	REFUSED(SYS_bpf),
	REFUSED(SYS_perf_event_open),
	REFUSED(SYS_userfaultfd),
	REFUSED(SYS_io_uring_setup),
	REFUSED(SYS_add_key),
	REFUSED(SYS_request_key),
	REFUSED(SYS_keyctl),
	REFUSED(SYS_personality),
};

bool fetch_confine_calls(void)
{
	return confine_calls(refused, ARRAY_SIZE(refused), CONFINE_ALLOWS) == 0;
}
