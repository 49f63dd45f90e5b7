/* The service manager is told that the mount is alive when both have answered in this round, and only then. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "../../src/fs/channel.h"
#include "../../src/fs/watchdog.h"
#include "base/io.h"
#include "notify_socket.h"

static char root[] = "/", missing[] = "/nowhere/at/all";
static const struct plan good = {.mountpoint = root, .run_mountpoint = root};
static const struct plan bad = {.mountpoint = missing};
static const struct plan bad_run = {.mountpoint = root, .run_mountpoint = missing};

struct scene {
	struct watchdog watchdog;
	int pair[2]; /* ours, the daemon's */
};

static void begin(struct scene *s, const struct plan *plan)
{
	notify_socket_set_watchdog("60000000");
	watchdog_init(&s->watchdog);
	assert_int_equal(s->watchdog.pause_ms, 30000);
	assert_int_equal(channel_pair(s->pair), 0);
	watchdog_ask(&s->watchdog, plan, s->pair[0]);
	assert_true(s->watchdog.due_ms == UINT64_MAX);

	struct channel_message message;
	assert_int_equal(channel_receive(s->pair[1], &message), 0);
	assert_int_equal(message.kind, CHANNEL_PING);
}

static void await_probe(struct scene *s)
{
	struct pollfd fd = {.fd = s->watchdog.probe_fd, .events = POLLIN};
	assert_int_equal(poll(&fd, 1, -1), 1);
	watchdog_take_probe(&s->watchdog);
	assert_int_equal(s->watchdog.probe_fd, -1);
}

static void end(struct scene *s)
{
	watchdog_done(&s->watchdog);
	io_close(&s->pair[0]);
	io_close(&s->pair[1]);
}

static void assert_alive(struct scene *s, void *notify)
{
	assert_string_equal(notify_socket_heard(notify), "WATCHDOG=1\n");
	assert_null(notify_socket_heard(notify));
	assert_true(s->watchdog.due_ms != UINT64_MAX);
}

static void both_have_to_answer_in_any_order(void **state)
{
	struct scene s;
	begin(&s, &good);
	watchdog_take_pong(&s.watchdog);
	assert_null(notify_socket_heard(*state));
	await_probe(&s);
	assert_alive(&s, *state);
	end(&s);

	begin(&s, &good);
	await_probe(&s);
	assert_null(notify_socket_heard(*state));
	watchdog_take_pong(&s.watchdog);
	assert_alive(&s, *state);
	end(&s);
}

static void an_answer_counts_for_its_round_only(void **state)
{
	struct scene s;
	begin(&s, &good);
	watchdog_take_pong(&s.watchdog);
	await_probe(&s);
	assert_alive(&s, *state);
	watchdog_ask(&s.watchdog, &good, s.pair[0]);
	await_probe(&s);
	assert_null(notify_socket_heard(*state));
	end(&s);
}

static void a_side_that_fails_is_not_alive(void **state)
{
	static const struct plan *const plans[] = {&bad, &bad_run};
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		struct scene s;
		begin(&s, plans[i]);
		watchdog_take_pong(&s.watchdog);
		await_probe(&s);
		assert_null(notify_socket_heard(*state));
		assert_true(s.watchdog.due_ms == UINT64_MAX);
		end(&s);
	}
}

static void a_round_that_cannot_begin_is_tried_again(void **state)
{
	struct scene s;
	struct rlimit limit, none = {0};
	begin(&s, &good);
	watchdog_take_pong(&s.watchdog);
	await_probe(&s);
	assert_alive(&s, *state);

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none.rlim_max = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0); /* no descriptor for the probe */
	watchdog_ask(&s.watchdog, &good, s.pair[0]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(s.watchdog.due_ms != UINT64_MAX);
	assert_int_equal(s.watchdog.probe, 0);
	assert_null(notify_socket_heard(*state));

	watchdog_ask(&s.watchdog, &good, s.pair[0]);
	watchdog_take_pong(&s.watchdog);
	await_probe(&s);
	assert_alive(&s, *state);
	end(&s);
}

static void where_nobody_asks_nothing_is_due(void **state)
{
	(void)state;
	struct watchdog watchdog;
	watchdog_init(&watchdog);
	assert_true(watchdog.due_ms == UINT64_MAX);
	assert_int_equal(watchdog.probe_fd, -1);
	watchdog_done(&watchdog);
}

int main(void)
{
#ifdef HAVE_SYSTEMD
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_have_to_answer_in_any_order, notify_socket_begin,
						notify_socket_end),
		cmocka_unit_test_setup_teardown(an_answer_counts_for_its_round_only, notify_socket_begin,
						notify_socket_end),
		cmocka_unit_test_setup_teardown(a_side_that_fails_is_not_alive, notify_socket_begin, notify_socket_end),
		cmocka_unit_test_setup_teardown(a_round_that_cannot_begin_is_tried_again, notify_socket_begin,
						notify_socket_end),
		cmocka_unit_test_setup_teardown(where_nobody_asks_nothing_is_due, notify_socket_begin,
						notify_socket_end),
	};
	return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
#else
	return 0;
#endif
}
