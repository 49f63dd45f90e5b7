/* What the service manager is told, message by message, on a socket of the test's own in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <errno.h>
#include <fcntl.h>

#include <cmocka.h>

#include "base/service_manager.h"
#include "notify_socket.h"

static void ready_names_the_process_and_the_status(void **state)
{
	char expected[128];
	(void)snprintf(expected, sizeof(expected), "READY=1\nMAINPID=%ld\nSTATUS=3 slots", (long)getpid());
	service_manager_ready("3 slots");
	assert_string_equal(notify_socket_heard(*state), expected);
}

static void a_status_is_one_line_and_not_too_long(void **state)
{
	service_manager_status("first\nERRNO=5");
	assert_string_equal(notify_socket_heard(*state), "STATUS=first");

	char text[2 * SERVICE_STATUS_SIZE];
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	service_manager_status(text);
	assert_int_equal(strlen(notify_socket_heard(*state)), strlen("STATUS=") + SERVICE_STATUS_SIZE - 1);
}

static void reloading_says_when(void **state)
{
	struct timespec now;
	unsigned long long before_us, said_us;
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	before_us = (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000;
	service_manager_reloading();
	assert_int_equal(sscanf(notify_socket_heard(*state), "RELOADING=1\nMONOTONIC_USEC=%llu\n", &said_us), 1);
	assert_true(said_us >= before_us);
}

static void the_end_and_failures_are_told(void **state)
{
	service_manager_stopping();
	assert_string_equal(notify_socket_heard(*state), "STOPPING=1\n");
	service_manager_failed(28);
	assert_string_equal(notify_socket_heard(*state), "ERRNO=28\n");
	service_manager_alive();
	assert_string_equal(notify_socket_heard(*state), "WATCHDOG=1\n");
}

static void the_watchdog_is_for_this_process_only(void **state)
{
	(void)state;
	assert_int_equal(service_manager_watchdog_ms(), 0);
	assert_int_equal(setenv("WATCHDOG_USEC", "30000000", 1), 0);
	assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0);
	assert_int_equal(service_manager_watchdog_ms(), 0);
	notify_socket_set_watchdog("30000000");
	assert_int_equal(service_manager_watchdog_ms(), 30000);
	notify_socket_set_watchdog("10");
	assert_int_equal(service_manager_watchdog_ms(), 1);
}

static void nobody_is_told_where_nobody_asked(void **state)
{
	service_manager_forget();
	assert_null(getenv("NOTIFY_SOCKET"));
	service_manager_ready("3 slots");
	service_manager_stopping();
	assert_null(notify_socket_heard(*state));
	assert_int_equal(service_manager_watchdog_ms(), 0);
}

static void what_is_to_be_kept_has_a_name(void **state)
{
	assert_int_equal(service_manager_keep("vouchfs-tree", STDIN_FILENO), 0);
	assert_string_equal(notify_socket_heard(*state), "FDSTORE=1\nFDPOLL=0\nFDNAME=vouchfs-tree");
	service_manager_drop("vouchfs-tree");
	assert_string_equal(notify_socket_heard(*state), "FDSTOREREMOVE=1\nFDNAME=vouchfs-tree");
	service_manager_forget();
	assert_int_equal(service_manager_keep("vouchfs-tree", STDIN_FILENO), -ENOTCONN);
	assert_int_equal(service_manager_await_heard(), -ENOTCONN);
}

/* Of a process that systemd has started with three: one of them twice, one that nobody asks for. */
static int take_kept_in_child(const char *given_to)
{
	static const char *const names[] = {"vouchfs-run", "vouchfs-tree"};
	char pid[32];
	int fds[2];
	(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	for (int fd = 3; fd < 6; fd++)
		if (dup2(STDERR_FILENO, fd) < 0)
			return 10;
	if (setenv("LISTEN_PID", given_to ? given_to : pid, 1) < 0 || setenv("LISTEN_FDS", "3", 1) < 0 ||
	    setenv("LISTEN_FDNAMES", "stored:vouchfs-tree:vouchfs-tree", 1) < 0)
		return 11;
	service_manager_take_kept(names, 2, fds);
	if (fds[0] != -1)
		return 1;
	if (given_to)
		return fds[1] == -1 ? 0 : 2;
	if (fds[1] != 4 || fcntl(4, F_GETFD) != FD_CLOEXEC)
		return 3;
	if (fcntl(3, F_GETFD) >= 0 || fcntl(5, F_GETFD) >= 0)
		return 4;
	return getenv("LISTEN_FDS") ? 5 : 0;
}

static void what_was_kept_is_taken_by_name(void **state)
{
	(void)state;
	static const char *const others[] = {NULL, "1"};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		int status = -1;
		pid_t child = fork();
		if (child == 0)
			_exit(take_kept_in_child(others[i]));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
}

int main(void)
{
#ifdef HAVE_SYSTEMD
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ready_names_the_process_and_the_status, notify_socket_begin,
						notify_socket_end),
		cmocka_unit_test_setup_teardown(a_status_is_one_line_and_not_too_long, notify_socket_begin,
						notify_socket_end),
		cmocka_unit_test_setup_teardown(reloading_says_when, notify_socket_begin, notify_socket_end),
		cmocka_unit_test_setup_teardown(the_end_and_failures_are_told, notify_socket_begin, notify_socket_end),
		cmocka_unit_test_setup_teardown(the_watchdog_is_for_this_process_only, notify_socket_begin,
						notify_socket_end),
		cmocka_unit_test_setup_teardown(what_is_to_be_kept_has_a_name, notify_socket_begin, notify_socket_end),
		cmocka_unit_test(what_was_kept_is_taken_by_name),
		cmocka_unit_test_setup_teardown(nobody_is_told_where_nobody_asked, notify_socket_begin,
						notify_socket_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
#else
	return 0;
#endif
}
