/*
 * A table of calls as a program for the kernel's packet filter: row for row, each a comparison or two. The kernel
 * remembers which calls are allowed whatever their arguments are and does not run it for those, so the length costs
 * little. Declared in confine.h.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/confine.h"

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

#ifdef MACHINE

#define BEFORE_LEN 6U
#define ROW_LEN	   6U /* at most */
#define X32_BIT	   0x40000000U

#define LOAD(offset)		  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define LOAD_NUMBER		  LOAD(offsetof(struct seccomp_data, nr))
#define RETURN(what)		  BPF_STMT(BPF_RET | BPF_K, (what))
#define SKIP_UNLESS(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (count))

struct program {
	struct sock_filter *lines;
	unsigned short count;
};

static void add(struct program *program, struct sock_filter line)
{
	program->lines[program->count++] = line;
}

static void add_before(struct program *program)
{
	add(program, (struct sock_filter)LOAD(offsetof(struct seccomp_data, arch)));
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0));
	add(program, (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS));
	add(program, (struct sock_filter)LOAD_NUMBER);
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
	add(program, (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS));
}

/* The lower half of an argument: both machines keep it first. */
static void add_row(struct program *program, const struct confine_call *row)
{
	unsigned action = row->error ? SECCOMP_RET_ERRNO | row->error : SECCOMP_RET_ALLOW;
	unsigned offset = (unsigned)(offsetof(struct seccomp_data, args) + row->argument * sizeof(uint64_t));
	add(program, (struct sock_filter)SKIP_UNLESS((unsigned)row->number, row->mask ? 5 : 1));
	if (row->mask) {
		add(program, (struct sock_filter)LOAD(offset));
		add(program, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, row->mask));
		add(program, (struct sock_filter)SKIP_UNLESS(row->value, 1));
	}
	add(program, (struct sock_filter)RETURN(action));
	if (row->mask)
		add(program, (struct sock_filter)LOAD_NUMBER);
}

bool confine_has_calls(void)
{
	const uint32_t action = SECCOMP_RET_KILL_PROCESS;
	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int confine_calls(const struct confine_call *calls, size_t count, enum confine_others others)
{
	ASSERT(BEFORE_LEN + count * ROW_LEN + 1 <= BPF_MAXINSNS);
	struct program program = {.lines = calloc(BEFORE_LEN + count * ROW_LEN + 1, sizeof(*program.lines))};
	if (!program.lines)
		return -ENOMEM;
	add_before(&program);
	for (size_t i = 0; i < count; i++)
		add_row(&program, &calls[i]);
	add(&program,
	    (struct sock_filter)RETURN(others == CONFINE_ALLOWS ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS));
	const struct sock_fprog filter = {.len = program.count, .filter = program.lines};
	long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
	int error = r < 0 ? -errno : r > 0 ? -EBUSY : 0; /* more than 0: a thread that has another filter */
	free(program.lines);
	return error == -ENOSYS || error == -EINVAL ? -EOPNOTSUPP : error;
}

#else

bool confine_has_calls(void)
{
	return false;
}

int confine_calls(const struct confine_call *calls UNUSED, size_t count UNUSED, enum confine_others others UNUSED)
{
	return -EOPNOTSUPP;
}

#endif
