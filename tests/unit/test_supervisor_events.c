/* What a daemon that is somebody else's sends to its supervisor neither stays open there nor holds it up. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/fs/supervisor_state.h"
#include "base/clock.h"
#include "base/io.h"

static struct plan plan;

struct scene {
	struct supervisor s;
	int daemon; /* its end */
};

static int make_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	int pair[2];
	if (!scene || channel_pair(pair) < 0)
		return -1;
	scene->s = (struct supervisor){
		.plan = &plan, .channel = pair[0], .signals = -1, .watchdog = WATCHDOG_NONE, .fetcher = FETCHER_NONE};
	scene->daemon = pair[1];
	*state = scene;
	return 0;
}

static int end_scene(void **state)
{
	struct scene *scene = *state;
	io_close(&scene->s.channel);
	io_close(&scene->daemon);
	free(scene);
	return 0;
}

static int lowest_free(void)
{
	int fd = dup(STDERR_FILENO), lowest = fd;
	io_close(&fd);
	return lowest;
}

/* As many as there is room for in the space that one takes. */
static void send_two_descriptors(int channel)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = {0};
	const int fds[2] = {STDIN_FILENO, STDOUT_FILENO};
	char kind = CHANNEL_PONG;
	struct iovec part = {.iov_base = &kind, .iov_len = 1};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(header), fds, sizeof(fds));
	assert_int_equal(sendmsg(channel, &message, MSG_NOSIGNAL), 1);
}

static void no_descriptor_of_the_daemon_gets_in(void **state)
{
	struct scene *scene = *state;
	struct channel_message message;
	int free_before = lowest_free();
	send_two_descriptors(scene->daemon);
	assert_int_equal(supervisor_next_event(&scene->s, false, SUPERVISOR_NO_DEADLINE, &message), EVENT_MESSAGE);
	assert_int_equal(message.kind, CHANNEL_PONG);
	assert_int_equal(message.fd, -1);
	assert_int_equal(lowest_free(), free_before);
}

/* It is printed on terminals: errors of a reload. */
static void what_is_said_is_plain_text(void **state)
{
	struct scene *scene = *state;
	struct channel_message message;
	assert_int_equal(
		channel_send(scene->daemon, CHANNEL_RELOADED, "\033[2Jno\n\ttabs, \302\2332J \177 \303\251\n", -1), 0);
	assert_int_equal(supervisor_next_event(&scene->s, false, SUPERVISOR_NO_DEADLINE, &message), EVENT_MESSAGE);
	assert_string_equal(message.text, "?[2Jno\n\ttabs, ??2J ? \303\251\n");
}

static void no_flood_of_messages_outlasts_a_deadline(void **state)
{
	struct scene *scene = *state;
	struct channel_message message;
	for (int i = 0; i < 3; i++)
		assert_int_equal(channel_send(scene->daemon, CHANNEL_PONG, NULL, -1), 0);
	uint64_t now_ms = clock_monotonic_ms();
	assert_int_equal(supervisor_next_event(&scene->s, false, now_ms + 60000, &message), EVENT_MESSAGE);
	assert_int_equal(supervisor_next_event(&scene->s, false, now_ms, &message), EVENT_TIMEOUT);
	assert_int_equal(supervisor_next_event(&scene->s, false, SUPERVISOR_NO_DEADLINE, &message), EVENT_MESSAGE);
}

static void the_end_of_the_daemon_is_told(void **state)
{
	struct scene *scene = *state;
	struct channel_message message;
	io_close(&scene->daemon);
	assert_int_equal(supervisor_next_event(&scene->s, false, SUPERVISOR_NO_DEADLINE, &message), EVENT_DAEMON_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_descriptor_of_the_daemon_gets_in, make_scene, end_scene),
		cmocka_unit_test_setup_teardown(what_is_said_is_plain_text, make_scene, end_scene),
		cmocka_unit_test_setup_teardown(no_flood_of_messages_outlasts_a_deadline, make_scene, end_scene),
		cmocka_unit_test_setup_teardown(the_end_of_the_daemon_is_told, make_scene, end_scene),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
