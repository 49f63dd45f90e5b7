/*
 * kernel.h - mounting and unmounting: by mount(2) for root, by fusermount3 for everybody else.
 */
#ifndef FS_KERNEL_H
#define FS_KERNEL_H

#include "base/base.h"
#include "base/explain.h"

struct kernel_mount {
	const char *type; /* MOUNTINFO_... */
	const char *source;
	const char *mountpoint;
	bool read_only;
	bool no_exec;
	bool allow_other; /* always so for root */
};

/* Mounts, and returns the descriptor to serve it with. */
int kernel_mount(const struct kernel_mount *what, int *ret_fd, struct explain *ret_why);

enum kernel_answer {
	KERNEL_ANSWERS = 1,
	KERNEL_LOST,   /* its process is gone: whoever touches it gets ENOTCONN */
	KERNEL_SILENT, /* nothing came within LIMIT_MOUNT_ANSWER_MS */
};

/* What is mounted there is touched, by a process that can be left behind. */
enum kernel_answer kernel_ask(const char *mountpoint);

/* -EBUSY: in use; lazy never is. A daemon that does not answer cannot hold up a lazy one. */
int kernel_unmount(const char *mountpoint, bool lazy);

/* Lets the kernel read ahead by 1 MiB on what is mounted there; as root, as far as it goes. After INIT, which sets the
 * default. Nobody who serves is asked. */
void kernel_raise_read_ahead(const char *mountpoint);

#endif
