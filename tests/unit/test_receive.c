/* Waiting for requests: each comes to one thread, and nobody looks for them for long. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/fs/receive.h"

#define THREADS	 4
#define REQUESTS 20000

struct fixture {
	struct receiver receiver;
	int fds[2];
	pthread_t thread;
	uint32_t request; /* not on the stack: the address sanitizer takes that of a cancelled thread for corrupted */
	ssize_t got;
	int error;
	atomic_bool returned;
	atomic_ullong sum;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	*state = f;
	return pipe(f->fds);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	(void)close(f->fds[0]);
	(void)close(f->fds[1]);
	free(f);
	return 0;
}

static void *receive_one(void *ctx)
{
	struct fixture *f = ctx;
	f->got = receive(&f->receiver, f->fds[0], &f->request, sizeof(f->request));
	f->error = errno;
	atomic_store(&f->returned, true);
	return NULL;
}

static void begin(struct fixture *f)
{
	assert_int_equal(pthread_create(&f->thread, NULL, receive_one, f), 0);
}

static void send_one(struct fixture *f, uint32_t request)
{
	assert_int_equal(write(f->fds[1], &request, sizeof(request)), sizeof(request));
}

static void wait_until(const atomic_bool *flag, bool value)
{
	while (atomic_load(flag) != value)
		(void)sched_yield();
}

static void what_comes_soon_makes_the_next_be_looked_for(void **state)
{
	struct fixture *f = *state;
	uint32_t request;
	send_one(f, 7);
	do
		assert_int_equal(receive(&f->receiver, f->fds[0], &request, sizeof(request)), sizeof(request));
	while (send_one(f, 7), !atomic_load(&f->receiver.is_busy)); /* a machine may be slow */
	assert_int_equal(request, 7);
}

static void what_comes_late_is_not_looked_for(void **state)
{
	struct fixture *f = *state;
	atomic_store(&f->receiver.is_busy, true);
	begin(f);
	while (atomic_load(&f->receiver.idle_ns) == 0)
		(void)sched_yield();
	atomic_store(&f->receiver.idle_ns, 1);
	send_one(f, 7);
	assert_int_equal(pthread_join(f->thread, NULL), 0);
	assert_int_equal(f->got, sizeof(uint32_t));
	assert_false(atomic_load(&f->receiver.is_busy));
}

static void nobody_looks_for_long(void **state)
{
	struct fixture *f = *state;
	atomic_store(&f->receiver.is_busy, true);
	begin(f);
	while (atomic_load(&f->receiver.idle_ns) == 0)
		(void)sched_yield();
	wait_until(&f->receiver.is_looking, false);
	assert_false(atomic_load(&f->returned));
	send_one(f, 7); /* what comes then is received all the same */
	assert_int_equal(pthread_join(f->thread, NULL), 0);
	assert_int_equal(f->got, sizeof(uint32_t));
}

static void the_second_one_does_not_look(void **state)
{
	struct fixture *f = *state;
	atomic_store(&f->receiver.is_busy, true);
	atomic_store(&f->receiver.is_looking, true); /* another thread is */
	begin(f);
	send_one(f, 7);
	assert_int_equal(pthread_join(f->thread, NULL), 0);
	assert_true(atomic_load(&f->receiver.is_looking));
}

static void on_signal(int number UNUSED)
{
}

static void a_signal_ends_the_wait(void **state)
{
	struct fixture *f = *state;
	struct sigaction action = {.sa_handler = on_signal}, before;
	assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
	atomic_store(&f->receiver.is_busy, true);
	begin(f);
	while (!atomic_load(&f->returned)) {
		(void)pthread_kill(f->thread, SIGUSR1);
		(void)sched_yield();
	}
	assert_int_equal(pthread_join(f->thread, NULL), 0);
	assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
	assert_int_equal(f->got, -1);
	assert_int_equal(f->error, EINTR);
}

static void a_thread_is_cancelled_while_it_waits(void **state)
{
	struct fixture *f = *state;
	void *result;
	for (int i = 0; i < 100; i++) {
		atomic_store(&f->receiver.is_busy, true);
		atomic_store(&f->receiver.is_looking, false);
		begin(f);
		assert_int_equal(pthread_cancel(f->thread), 0);
		assert_int_equal(pthread_join(f->thread, &result), 0);
		assert_true(result == PTHREAD_CANCELED);
		assert_false(atomic_load(&f->receiver.is_looking));
	}
}

static void an_error_is_told(void **state)
{
	struct fixture *f = *state;
	uint32_t request;
	atomic_store(&f->receiver.is_busy, true);
	assert_int_equal(receive(&f->receiver, -1, &request, sizeof(request)), -1);
	assert_int_equal(errno, EBADF);
	assert_false(atomic_load(&f->receiver.is_busy));
}

static void *receive_many(void *ctx)
{
	struct fixture *f = ctx;
	uint32_t request;
	while (receive(&f->receiver, f->fds[0], &request, sizeof(request)) == sizeof(request) && request != 0)
		atomic_fetch_add(&f->sum, request);
	return NULL;
}

static void each_request_comes_to_one_thread(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[THREADS];
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, receive_many, f), 0);
	for (uint32_t i = 1; i <= REQUESTS; i++)
		send_one(f, i);
	for (size_t i = 0; i < THREADS; i++)
		send_one(f, 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&f->sum), (unsigned long long)REQUESTS * (REQUESTS + 1) / 2);
	assert_false(atomic_load(&f->receiver.is_looking));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_comes_soon_makes_the_next_be_looked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(what_comes_late_is_not_looked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_looks_for_long, setup, teardown),
		cmocka_unit_test_setup_teardown(the_second_one_does_not_look, setup, teardown),
		cmocka_unit_test_setup_teardown(a_signal_ends_the_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(a_thread_is_cancelled_while_it_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(an_error_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(each_request_comes_to_one_thread, setup, teardown),
	};
	return cmocka_run_group_tests_name("receive", tests, NULL, NULL);
}
