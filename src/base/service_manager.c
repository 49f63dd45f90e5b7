#include "base/service_manager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/limits.h"

#define FIRST_KEPT 3

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>

/* That nobody is told cannot be told to anybody. */
static void send_message(const char *message)
{
	(void)sd_notify(0, message);
}

static bool read_watchdog(uint64_t *ret_us)
{
	return sd_watchdog_enabled(0, ret_us) > 0;
}

static int send_descriptor(const char *message, int fd)
{
	int r = sd_pid_notify_with_fds(0, 0, message, &fd, 1);
	return r == 0 ? -ENOTCONN : r;
}

int service_manager_await_heard(void)
{
	int r = sd_notify_barrier(0, (uint64_t)LIMIT_SERVICE_HEARD_MS * 1000);
	return r == 0 ? -ENOTCONN : r < 0 ? r : 0;
}

static int take_names(char ***ret_names)
{
	return sd_listen_fds_with_names(1, ret_names);
}
#else
static void send_message(const char *message UNUSED)
{
}

static bool read_watchdog(uint64_t *ret_us UNUSED)
{
	return false;
}

static int send_descriptor(const char *message UNUSED, int fd UNUSED)
{
	return -EOPNOTSUPP;
}

int service_manager_await_heard(void)
{
	return -EOPNOTSUPP;
}

static int take_names(char ***ret_names UNUSED)
{
	return 0;
}
#endif

#define US_PER_MS 1000

/* lines end in a newline each; the status is cut where it would be another line. */
static void tell(const char *lines, const char *status)
{
	char message[SERVICE_STATUS_SIZE + 128];
	int len = status ? (int)strcspn(status, "\n") : 0;
	if (len >= SERVICE_STATUS_SIZE)
		len = SERVICE_STATUS_SIZE - 1;
	(void)snprintf(message, sizeof(message), "%s%s%.*s", lines, status ? "STATUS=" : "", len, status ? status : "");
	send_message(message);
}

void service_manager_ready(const char *status)
{
	char lines[64];
	(void)snprintf(lines, sizeof(lines), "READY=1\nMAINPID=%ld\n", (long)getpid());
	tell(lines, status);
}

void service_manager_status(const char *status)
{
	tell("", status);
}

/* By the time systemd knows, from 253 on, which of its own requests this answers. */
void service_manager_reloading(void)
{
	char lines[80];
	struct timespec now;
	ASSERT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	unsigned long long now_us = (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000;
	(void)snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%llu\n", now_us);
	tell(lines, NULL);
}

void service_manager_stopping(void)
{
	tell("STOPPING=1\n", NULL);
}

void service_manager_failed(int error)
{
	char line[32];
	(void)snprintf(line, sizeof(line), "ERRNO=%d\n", error);
	tell(line, NULL);
}

uint64_t service_manager_watchdog_ms(void)
{
	uint64_t interval_us;
	if (!read_watchdog(&interval_us))
		return 0;
	return interval_us < US_PER_MS ? 1 : interval_us / US_PER_MS;
}

void service_manager_alive(void)
{
	tell("WATCHDOG=1\n", NULL);
}

/* Never taken away because it is polled: of a connection nobody serves that says nothing. */
int service_manager_keep(const char *name, int fd)
{
	char message[128];
	(void)snprintf(message, sizeof(message), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	int r = send_descriptor(message, fd);
	return r < 0 ? r : 0;
}

void service_manager_drop(const char *name)
{
	char message[128];
	(void)snprintf(message, sizeof(message), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	send_message(message);
}

static size_t find_name(const char *const names[], size_t count, const char *name)
{
	size_t at = 0;
	while (at < count && strcmp(names[at], name) != 0)
		at++;
	return at;
}

void service_manager_take_kept(const char *const names[], size_t count, int ret_fds[])
{
	char **given = NULL;
	int given_count = take_names(&given);
	for (size_t i = 0; i < count; i++)
		ret_fds[i] = -1;
	for (int i = 0; i < given_count; i++) {
		int fd = FIRST_KEPT + i;
		size_t at = find_name(names, count, given[i]);
		if (at < count && ret_fds[at] < 0)
			ret_fds[at] = fd;
		else
			io_close(&fd);
		free(given[i]);
	}
	free(given);
}

void service_manager_forget(void)
{
	static const char *const variables[] = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"};
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		(void)unsetenv(variables[i]);
}
