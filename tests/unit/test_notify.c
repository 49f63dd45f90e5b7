/* Invalidations: everybody who pushes one comes back, from many threads at once, mounted or not. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/fs/notify.h"

#define THREADS	   4
#define ITERATIONS 200

struct fixture {
	struct fuse_session *fuse;
	struct notify *notify;
	struct slots_notify push;
};

static void set_up(struct fixture *f)
{
	static const struct fuse_lowlevel_ops none;
	char name[] = "test";
	char *argv[] = {name, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	f->fuse = fuse_session_new(&args, &none, sizeof(none), NULL);
	fuse_opt_free_args(&args);
	assert_non_null(f->fuse);
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
	set_up(&f);
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
	set_up(&f);
	char name[256];
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	f.push.entry(f.push.ctx, 1, name);
	tear_down(&f);
}

static void ends_without_a_push(void **state UNUSED)
{
	struct fixture f;
	set_up(&f);
	tear_down(&f);
	notify_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pushing_before_there_is_a_mount_returns),
		cmocka_unit_test(the_longest_name_is_taken),
		cmocka_unit_test(ends_without_a_push),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
