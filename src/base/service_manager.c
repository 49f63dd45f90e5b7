#include "base/service_manager.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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
#else
static void send_message(const char *message UNUSED)
{
}

static bool read_watchdog(uint64_t *ret_us UNUSED)
{
	return false;
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

void service_manager_forget(void)
{
	static const char *const variables[] = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"};
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		(void)unsetenv(variables[i]);
}
