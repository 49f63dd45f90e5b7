#include "notify_socket.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/io.h"
#include "base/service_manager.h"

int notify_socket_begin(void **state)
{
	static struct notify_socket notify;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	/* an abstract name: no file is left */
	int len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "vouchfs-test-%ld", (long)getpid());
	notify.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify.fd < 0 || bind(notify.fd, (struct sockaddr *)&address,
				  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) < 0)
		return -1;
	char name[128];
	(void)snprintf(name, sizeof(name), "@%s", address.sun_path + 1);
	*state = &notify;
	return setenv("NOTIFY_SOCKET", name, 1);
}

int notify_socket_end(void **state)
{
	struct notify_socket *notify = *state;
	io_close(&notify->fd);
	service_manager_forget();
	return 0;
}

const char *notify_socket_heard(struct notify_socket *notify)
{
	ssize_t len = recv(notify->fd, notify->message, sizeof(notify->message) - 1, 0);
	if (len < 0)
		return NULL;
	notify->message[len] = '\0';
	return notify->message;
}

void notify_socket_set_watchdog(const char *interval_us)
{
	char pid[32];
	(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	(void)setenv("WATCHDOG_USEC", interval_us, 1);
	(void)setenv("WATCHDOG_PID", pid, 1);
}
