/* What the service manager is told, message by message, on a socket of the test's own in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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
		cmocka_unit_test_setup_teardown(nobody_is_told_where_nobody_asked, notify_socket_begin,
						notify_socket_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
#else
	return 0;
#endif
}
