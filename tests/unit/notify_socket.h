/* notify_socket.h - a socket in the place of the service manager's. */
#ifndef TESTS_NOTIFY_SOCKET_H
#define TESTS_NOTIFY_SOCKET_H

struct notify_socket {
	int fd;
	char message[1024];
};

/* From now on this process tells it; for cmocka's setup and teardown, *state is the socket. */
int notify_socket_begin(void **state);
int notify_socket_end(void **state);
/* The next message; NULL: nothing was told. */
const char *notify_socket_heard(struct notify_socket *notify);
/* As with WatchdogSec=, for this process. */
void notify_socket_set_watchdog(const char *interval_us);

#endif
