/*
 * hook_runner.c - takes records from the socket, also while a hook runs, and runs the hooks for each. When the mount
 * ends, what runs and what waits has LIMIT_HOOK_GRACE_MS.
 */
#include "hook_runner.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/text.h"
#include "hook_dir.h"
#include "hook_process.h"

#define SHOWN_MAX 256

struct runner {
	const struct hooks_options *options;
	int socket; /* -1: the daemon has closed its end */
	uint64_t end_ms;
	struct hook_record *first, **last; /* that wait */
	size_t count;
	struct buf complaints; /* about the directory, as they were logged last */
};

/* ---- records ---- */

static void end_socket(struct runner *r)
{
	io_close(&r->socket);
	r->end_ms = clock_monotonic_ms() + LIMIT_HOOK_GRACE_MS;
}

static void enqueue(struct runner *r, struct hook_record *record)
{
	if (strcmp(record->texts[HOOK_DROPPED], "0") != 0)
		log_warning("hooks: %s records before event %s were dropped", record->texts[HOOK_DROPPED],
			    record->texts[HOOK_EVENT_ID]);
	record->next = NULL;
	*r->last = record;
	r->last = &record->next;
	r->count++;
}

static struct hook_record *dequeue(struct runner *r)
{
	struct hook_record *record = r->first;
	if (!record)
		return NULL;
	r->first = record->next;
	if (!r->first)
		r->last = &r->first;
	r->count--;
	return record;
}

static void receive(struct runner *r)
{
	struct hook_record *record = malloc(sizeof(*record));
	if (!record)
		return; /* it stays in the socket */
	ssize_t got = recv(r->socket, record->message, sizeof(record->message), MSG_DONTWAIT);
	if (got > 0) {
		record->len = (size_t)got;
		if (hook_record_parse(record)) {
			enqueue(r, record);
			return;
		}
		log_error("hooks: a record has not the form that the daemon gives it");
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		end_socket(r);
	}
	free(record);
}

/* What is polled for records; -1: there are enough. */
static int socket_to_poll(const struct runner *r)
{
	return r->count < LIMIT_HOOK_RECORDS ? r->socket : -1;
}

/* ---- running ---- */

static bool is_over(const struct runner *r)
{
	return r->socket < 0 && clock_monotonic_ms() >= r->end_ms;
}

static int timeout_until(const struct runner *r, uint64_t deadline_ms)
{
	uint64_t now_ms = clock_monotonic_ms();
	if (r->socket < 0 && r->end_ms < deadline_ms)
		deadline_ms = r->end_ms;
	return deadline_ms > now_ms ? (int)(deadline_ms - now_ms) : 0;
}

/* Until it has ended, or has to. */
static void attend(struct runner *r, struct hook_process *process)
{
	uint64_t deadline_ms = clock_monotonic_ms() + r->options->timeout_ms;
	char why[64];
	for (;;) {
		struct pollfd fds[] = {
			{.fd = process->pidfd, .events = POLLIN},
			{.fd = process->output, .events = POLLIN},
			{.fd = socket_to_poll(r), .events = POLLIN},
		};
		int count = poll(fds, ARRAY_SIZE(fds), timeout_until(r, deadline_ms));
		if (count > 0 && fds[0].revents)
			break;
		if (count > 0 && fds[1].revents)
			hook_process_read(process);
		if (count > 0 && fds[2].revents)
			receive(r);
		if (timeout_until(r, deadline_ms) > 0)
			continue;
		(void)snprintf(why, sizeof(why), "it took longer than %llu s",
			       (unsigned long long)r->options->timeout_ms / 1000);
		hook_process_end(process, is_over(r) ? "the mount has ended" : why);
		return;
	}
	hook_process_end(process, NULL);
}

static void run_hook(struct runner *r, int dirfd, const char *name, const struct hook_record *record)
{
	char shown[SHOWN_MAX];
	struct hook_process process;
	(void)text_escape_print(shown, sizeof(shown), name, strlen(name));
	int error = hook_process_start(dirfd, name, shown, record, &process);
	if (error < 0)
		log_error("hook %s (event %s) cannot be started: %s", shown, record->texts[HOOK_EVENT_ID],
			  strerror(-error));
	else
		attend(r, &process);
}

/* Once, until something else is wrong. */
static void log_complaints(struct runner *r, struct buf *complaints)
{
	const char *now = complaints->data ? complaints->data : "";
	if (strcmp(now, r->complaints.data ? r->complaints.data : "") != 0)
		for (const char *at = now; *at; at += strcspn(at, "\n") + 1)
			log_warning("hooks: not run: %.*s", (int)strcspn(at, "\n"), at);
	struct buf before = r->complaints;
	r->complaints = *complaints;
	*complaints = before;
}

static struct hooks_found find_hooks(struct runner *r)
{
	const struct hook_dir dir = {.path = r->options->directory, .owner = r->options->owner};
	struct hooks_found found = {.dirfd = -1};
	struct buf complaints = {0};
	int error = hook_dir_list(&dir, &found, &complaints);
	if (error < 0)
		log_error("hooks: not run: %s", strerror(-error));
	else
		log_complaints(r, &complaints);
	buf_done(&complaints);
	return found;
}

static void run_hooks(struct runner *r, const struct hook_record *record)
{
	struct hooks_found found = find_hooks(r);
	for (size_t i = 0; i < found.names.count && !is_over(r); i++)
		run_hook(r, found.dirfd, found.names.names[i], record);
	hooks_found_done(&found);
}

/* Waits for the next record; false: there are no more. */
static bool await_record(struct runner *r)
{
	while (!r->first && r->socket >= 0) {
		struct pollfd fd = {.fd = r->socket, .events = POLLIN};
		if (poll(&fd, 1, -1) > 0)
			receive(r);
	}
	return r->first != NULL;
}

int hook_runner_main(const struct hooks_options *options, int socket)
{
	struct runner r = {.options = options, .socket = socket, .last = &r.first};
	(void)hook_process_adopt_orphans();
	struct hooks_found found = find_hooks(&r); /* says what is wrong before anything happens */
	hooks_found_done(&found);
	while (await_record(&r) && !is_over(&r)) {
		struct hook_record *record = dequeue(&r);
		run_hooks(&r, record);
		free(record);
	}
	if (r.count > 0)
		log_warning("hooks: the mount has ended, and %zu records were left without hooks", r.count);
	for (struct hook_record *record; (record = dequeue(&r));)
		free(record);
	buf_done(&r.complaints);
	return 0;
}
