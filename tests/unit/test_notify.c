/*
 * Invalidations: everybody who pushes one comes back, from many threads at once, mounted or not; and none is lost, also
 * where there is no memory. Linked with failing_malloc.c.
 */
#include <linux/fuse.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/fs/notify.h"
#include "../sweep/failing_malloc.h"

#define THREADS	   4
#define ITERATIONS 200

/* ---- a kernel that counts ---- */

#define NOBODYS_FD 1000000

struct told {
	size_t entries, inodes;
};

static ssize_t take(int fd UNUSED, struct iovec *parts, int count, void *ctx)
{
	struct told *told = ctx;
	struct fuse_out_header head;
	memcpy(&head, parts[0].iov_base, sizeof(head));
	if (head.unique == 0 && head.error == FUSE_NOTIFY_INVAL_ENTRY)
		told->entries++;
	if (head.unique == 0 && head.error == FUSE_NOTIFY_INVAL_INODE)
		told->inodes++;
	ssize_t len = 0;
	for (int i = 0; i < count; i++)
		len += (ssize_t)parts[i].iov_len;
	return len;
}

static ssize_t give(int fd UNUSED, void *bytes UNUSED, size_t len UNUSED, void *ctx UNUSED)
{
	return 0;
}

static void greet(struct fuse_session *fuse)
{
	static const struct fuse_custom_io io = {.writev = take, .read = give};
	struct {
		struct fuse_in_header head;
		struct fuse_init_in init;
	} request = {.head = {.len = sizeof(request), .opcode = FUSE_INIT, .unique = 2},
		     .init = {.major = FUSE_KERNEL_VERSION, .minor = 31}};
	const struct fuse_buf buf = {.size = sizeof(request), .mem = &request};
	assert_int_equal(fuse_session_custom_io(fuse, &io, NOBODYS_FD), 0);
	fuse_session_process_buf(fuse, &buf);
}

/* ---- */

struct fixture {
	struct fuse_session *fuse;
	struct notify *notify;
	struct slots_notify push;
};

/* told: what the kernel is told; NULL: there is none. */
static void set_up(struct fixture *f, struct told *told)
{
	static const struct fuse_lowlevel_ops none;
	char name[] = "test";
	char *argv[] = {name, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	f->fuse = fuse_session_new(&args, &none, sizeof(none), told);
	fuse_opt_free_args(&args);
	assert_non_null(f->fuse);
	if (told)
		greet(f->fuse);
	assert_int_equal(notify_new(f->fuse, &f->notify), 0);
	f->push = notify_for_slots(f->notify);
}

static void tear_down(struct fixture *f)
{
	notify_free(f->notify);
	fuse_session_destroy(f->fuse);
}

static void *push_many(void *ctx)
{
	const struct slots_notify *push = ctx;
	for (unsigned i = 0; i < ITERATIONS; i++) {
		push->entry(push->ctx, i, "main-function");
		push->inode(push->ctx, i);
		push->inodes(push->ctx, i, 8);
	}
	return NULL;
}

static void pushing_before_there_is_a_mount_returns(void **state UNUSED)
{
	struct fixture f;
	set_up(&f, NULL);
	pthread_t threads[THREADS];
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, push_many, &f.push), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	tear_down(&f);
}

static void the_longest_name_is_taken(void **state UNUSED)
{
	struct fixture f;
	set_up(&f, NULL);
	char name[256];
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	f.push.entry(f.push.ctx, 1, name);
	tear_down(&f);
}

static void ends_without_a_push(void **state UNUSED)
{
	struct fixture f;
	set_up(&f, NULL);
	tear_down(&f);
	notify_free(NULL);
}

static void nothing_is_lost_without_memory(void **state UNUSED)
{
	struct told told = {0};
	struct fixture f;
	set_up(&f, &told);
	failing_malloc_arm(1, true);
	(void)push_many(&f.push);
	f.push.settle(f.push.ctx);
	assert_true(failing_malloc_disarm());
	assert_int_equal(told.entries, ITERATIONS);
	assert_int_equal(told.inodes, ITERATIONS * 9);
	(void)push_many(&f.push);
	f.push.settle(f.push.ctx);
	assert_int_equal(told.entries, 2 * ITERATIONS);
	tear_down(&f);
}

/* The end comes while there are some that nobody has pushed yet. */
static void ends_in_the_middle_without_memory(void **state UNUSED)
{
	struct fixture f;
	set_up(&f, NULL);
	failing_malloc_arm(1, true);
	(void)push_many(&f.push);
	assert_true(failing_malloc_disarm());
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pushing_before_there_is_a_mount_returns),
		cmocka_unit_test(the_longest_name_is_taken),
		cmocka_unit_test(ends_without_a_push),
		cmocka_unit_test(nothing_is_lost_without_memory),
		cmocka_unit_test(ends_in_the_middle_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
