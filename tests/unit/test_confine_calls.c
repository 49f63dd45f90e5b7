/* Tables of calls: what fits a row, what fits none, what is looked at of an argument. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/confine.h"
#include "confine_child.h"

#define ENDS                                                                                                           \
	{.number = SYS_exit_group},                                                                                    \
	{                                                                                                              \
		.number = SYS_exit                                                                                     \
	}

static int allow(const struct confine_call *rows, size_t count)
{
	return confine_calls(rows, count, CONFINE_KILLS);
}

static int be_listed(void)
{
	static const struct confine_call rows[] = {ENDS, {.number = SYS_getpid}, {.number = SYS_uname, .error = EPERM}};
	EXPECT(allow(rows, ARRAY_SIZE(rows)) == 0);
	EXPECT(getpid() > 0);
	EXPECT(syscall(SYS_uname, NULL) < 0 && errno == EPERM);
	return 0;
}

static int be_unlisted(void)
{
	static const struct confine_call rows[] = {ENDS, {.number = SYS_getpid}};
	EXPECT(allow(rows, ARRAY_SIZE(rows)) == 0);
	(void)syscall(SYS_getppid);
	return 0;
}

static int look_at_arguments(void)
{
	static const struct confine_call rows[] = {
		ENDS,
		{.number = SYS_socket, .argument = 0, .mask = UINT32_MAX, .value = AF_UNIX},
		{.number = SYS_socket, .argument = 1, .mask = SOCK_CLOEXEC, .value = SOCK_CLOEXEC},
		{.number = SYS_socket, .error = EAFNOSUPPORT},
		{.number = SYS_getpid},
	};
	EXPECT(allow(rows, ARRAY_SIZE(rows)) == 0);
	EXPECT(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
	EXPECT(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
	EXPECT(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT);
	EXPECT(getpid() > 0); /* a row behind one that looked elsewhere */
	return 0;
}

static int arguments_without_last_row(void)
{
	static const struct confine_call rows[] = {
		ENDS, {.number = SYS_socket, .argument = 0, .mask = UINT32_MAX, .value = AF_UNIX}};
	EXPECT(allow(rows, ARRAY_SIZE(rows)) == 0);
	(void)socket(AF_INET, SOCK_STREAM, 0);
	return 0;
}

static int let_others_through(void)
{
	static const struct confine_call rows[] = {{.number = SYS_getppid, .error = EPERM}};
	EXPECT(confine_calls(rows, ARRAY_SIZE(rows), CONFINE_ALLOWS) == 0);
	EXPECT(syscall(SYS_getppid) < 0 && errno == EPERM);
	EXPECT(getuid() == geteuid());
	return 0;
}

static void *ask(void *go)
{
	char byte;
	ssize_t got = read(*(int *)go, &byte, 1);
	return got == 1 && syscall(SYS_getppid) < 0 && errno == EPERM ? go : NULL;
}

/* A thread that was there before. */
static int be_all_threads(void)
{
	static const struct confine_call rows[] = {{.number = SYS_getppid, .error = EPERM}};
	int fds[2];
	void *came = NULL;
	pthread_t thread;
	EXPECT(pipe(fds) == 0 && pthread_create(&thread, NULL, ask, &fds[0]) == 0);
	EXPECT(confine_calls(rows, ARRAY_SIZE(rows), CONFINE_ALLOWS) == 0);
	EXPECT(write(fds[1], "", 1) == 1 && pthread_join(thread, &came) == 0);
	EXPECT(came);
	return 0;
}

static void check(int (*run)(void), int wanted)
{
	if (!confine_has_calls())
		skip();
	assert_int_equal(confine_child(run), wanted);
}

static void test_listed(void **state UNUSED)
{
	check(be_listed, 0);
}

static void test_unlisted_kills(void **state UNUSED)
{
	check(be_unlisted, -SIGSYS);
}

static void test_arguments(void **state UNUSED)
{
	check(look_at_arguments, 0);
	check(arguments_without_last_row, -SIGSYS);
}

static void test_others_allowed(void **state UNUSED)
{
	check(let_others_through, 0);
}

static void test_all_threads(void **state UNUSED)
{
	check(be_all_threads, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listed),	    cmocka_unit_test(test_unlisted_kills),
		cmocka_unit_test(test_arguments),   cmocka_unit_test(test_others_allowed),
		cmocka_unit_test(test_all_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
