/*
 * failing_malloc.c - the n-th allocation after arming fails, once or from then on, in one process, whoever of the
 * program and its libraries asks for it. Preloaded, it is steered through a shared file, which SWEEP_CONTROL names;
 * linked, by calls.
 */
#include "failing_malloc.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAMES 24

/* The rig writes and reads it: struct.Struct("<4I2Q24Q") in allocations.py. */
struct control {
	_Atomic uint32_t pid; /* the process that is meant; 0: nobody */
	_Atomic uint32_t for_good;
	_Atomic uint32_t fired; /* how many have failed */
	uint32_t frames;
	_Atomic uint64_t nth; /* from 1; 0: count alone */
	_Atomic uint64_t count;
	uint64_t frame[FRAMES]; /* where: of the first that failed */
};

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

/* Those of the address sanitizer, where it is there. */
extern void *__interceptor_malloc(size_t size) __attribute__((weak));
extern void *__interceptor_calloc(size_t count, size_t size) __attribute__((weak));
extern void *__interceptor_realloc(void *old, size_t size) __attribute__((weak));
extern void *__interceptor_memalign(size_t alignment, size_t size) __attribute__((weak));
#define REAL(name) (__interceptor_##name ? __interceptor_##name : __libc_##name)

static struct control own;
static struct control *control = &own;
static _Thread_local bool is_inside; /* what looks at the stack allocates, too */

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("SWEEP_CONTROL");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	void *frames[2];
	(void)backtrace(frames, 2); /* loads what it needs now */
	void *at = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (at != MAP_FAILED)
		control = at;
}

static void note_stack(void)
{
	void *frames[FRAMES];
	is_inside = true;
	int count = backtrace(frames, FRAMES);
	is_inside = false;
	for (int i = 0; i < count; i++)
		control->frame[i] = (uint64_t)(uintptr_t)frames[i];
	control->frames = (uint32_t)count;
}

void failing_malloc_arm(uint64_t nth, bool for_good)
{
	atomic_store(&control->fired, 0);
	atomic_store(&control->count, 0);
	atomic_store(&control->for_good, for_good);
	atomic_store(&control->nth, nth);
	atomic_store(&control->pid, (uint32_t)getpid());
}

bool failing_malloc_disarm(void)
{
	atomic_store(&control->pid, 0);
	return atomic_load(&control->fired) > 0;
}

static bool fails(void)
{
	if (is_inside || atomic_load(&control->pid) == 0 || atomic_load(&control->pid) != (uint32_t)getpid())
		return false;
	uint64_t number = atomic_fetch_add(&control->count, 1) + 1, nth = atomic_load(&control->nth);
	if (nth == 0 || number < nth || (number > nth && !atomic_load(&control->for_good)))
		return false;
	if (atomic_fetch_add(&control->fired, 1) == 0)
		note_stack();
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : REAL(malloc)(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : REAL(calloc)(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : REAL(realloc)(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : REAL(memalign)(alignment, size);
}

void *memalign(size_t alignment, size_t size)
{
	return fails() ? NULL : REAL(memalign)(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
	void *at = fails() ? NULL : REAL(memalign)(alignment, size);
	if (!at)
		return ENOMEM;
	*ret = at;
	return 0;
}
