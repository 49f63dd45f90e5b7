/*
 * health.c - `vouchfs health`: one line and an exit code for whoever watches over the host. The mount is asked by a
 * child process, since a request to a daemon that hangs does not come back; the child is left behind then.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"
#include "host.h"
#include "overview.h"

#define TIMEOUT_S	5
#define TIMEOUT_MAX_S	3600
#define EXPIRY_DAYS_MAX 36500

static int run(int argc, char **argv);

const struct cli_command cli_health_commands[] = {
	{.name = "health",
	 .summary = "is all well? One line, and an exit code for monitoring",
	 .usage = "Examples:\n"
		  "  vouchfs health\n"
		  "  vouchfs health --expiry-days 14 --timeout 10\n"
		  "  vouchfs health --json | jq -r '.problems[].code'\n\n"
		  "Critical (2), somebody is to be woken: not mounted, no answer in time, files that are damaged or\n"
		  "blocked, an audit log that cannot be written, a revocation list that cannot be relied on.\n"
		  "Warning (1), somebody is to look by day: a failed reload, break glass, an attempt that was\n"
		  "refused within a day or failed, signatures and certificates that expire soon, a revocation list\n"
		  "that is due, what is served and would be refused under Enforce.\n"
		  "Where policy bundles govern, one that is lost, expired or revoked is critical; none yet, rolled\n"
		  "back, expiring soon, refused, drift, a source that is silent are warnings; drift by which others\n"
		  "may sign or deploy is critical.\n\n"
		  "Options:\n"
		  "      --expiry-days N    warn of what expires within so many days (30)\n"
		  "      --timeout SECONDS  how long the mount may take to answer (5)\n"
		  "      --json             as JSON\n" HOST_CONFIG_USAGE
		  "\nExit codes: 0 ok, 1 warning, 2 critical (and usage).\n",
	 .run = run},
	{.name = NULL},
};

struct request {
	const char *config;
	uint64_t expiry_days;
	uint64_t timeout_s;
	bool json;
};

/* What is said in the end. */
struct answer {
	struct overview_finding *findings;
	size_t count;
	size_t slot_count;
};

static int find_one(struct answer *answer, const char *code, const char *text)
{
	struct overview_finding *finding = calloc(1, sizeof(*finding));
	if (!finding)
		return -ENOMEM;
	finding->level = OVERVIEW_CRITICAL;
	finding->code = code;
	(void)snprintf(finding->text, sizeof(finding->text), "%s", text);
	*answer = (struct answer){.findings = finding, .count = 1};
	return 0;
}

/* ---- asking ---- */

/* In the child: the mount's answer goes into the pipe, what went wrong into the exit status. */
static int copy_status(const char *mountpoint, int to_fd)
{
	struct buf text = {0};
	int dirfd = io_open_dir(mountpoint), r = dirfd < 0 ? dirfd : cli_overview_read_status(dirfd, &text);
	for (size_t done = 0; r == 0 && done < text.len;) {
		ssize_t written = write(to_fd, text.data + done, text.len - done);
		if (written < 0 && errno != EINTR)
			r = -errno;
		done += written > 0 ? (size_t)written : 0;
	}
	return -r < 255 ? -r : EIO;
}

/* Until the end of the pipe. -ETIME: that did not come in time. */
static int read_pipe(int fd, uint64_t timeout_ms, struct buf *ret)
{
	uint64_t end_ms = clock_monotonic_ms() + timeout_ms;
	char part[16384];
	for (;;) {
		uint64_t now_ms = clock_monotonic_ms();
		struct pollfd look = {.fd = fd, .events = POLLIN};
		int ready = now_ms < end_ms ? poll(&look, 1, (int)(end_ms - now_ms)) : 0;
		if (ready == 0)
			return -ETIME;
		ssize_t got = ready > 0 ? read(fd, part, sizeof(part)) : -1;
		if (got == 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return -errno;
		int r = got > 0 ? buf_append(ret, part, (size_t)got) : 0;
		if (r < 0 || ret->len > LIMIT_STATUS_BYTES)
			return r < 0 ? r : -EFBIG;
	}
}

/* Who waits for a mount that hangs cannot even be killed at once: it is not waited for. */
static int end_child(pid_t child, int r)
{
	int status = 0;
	if (r < 0) {
		(void)kill(child, SIGKILL);
		(void)waitpid(child, &status, WNOHANG);
		return r;
	}
	if (waitpid(child, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static int ask(const char *mountpoint, uint64_t timeout_ms, struct buf *ret)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid_t child = fork();
	if (child == 0) {
		io_close(&fds[0]);
		_exit(copy_status(mountpoint, fds[1]));
	}
	int r = child < 0 ? -errno : 0;
	io_close(&fds[1]);
	if (child > 0)
		r = end_child(child, read_pipe(fds[0], timeout_ms, ret));
	io_close(&fds[0]);
	return r;
}

/* ---- judging ---- */

static int judge(const struct request *request, const struct buf *text, struct answer *ret)
{
	struct overview *overview = NULL;
	int r = overview_parse(text->data ? text->data : "", text->len, &overview);
	if (r == -EBADMSG)
		return find_one(ret, "no-answer", "the mount's answer is not what this program expects");
	if (r == 0)
		r = overview_find_problems(overview, (unsigned)request->expiry_days, &ret->findings, &ret->count);
	ret->slot_count = r == 0 ? overview->slot_count : 0;
	overview_free(overview);
	return r;
}

static int explain(const struct request *request, const char *mountpoint, int error, struct answer *ret)
{
	char shown[256], text[512];
	text_escape_print(shown, sizeof(shown), mountpoint, strlen(mountpoint));
	if (error == -ETIME)
		(void)snprintf(text, sizeof(text), "%s does not answer within %llu s", shown,
			       (unsigned long long)request->timeout_s);
	else if (error == -ENOTCONN || error == -ECONNABORTED)
		(void)snprintf(text, sizeof(text), "%s has lost its process: nothing is served", shown);
	else
		(void)snprintf(text, sizeof(text), "%s cannot be asked: %s", shown, strerror(-error));
	bool is_dead = error == -ENOTCONN || error == -ECONNABORTED;
	return find_one(ret, error == -ETIME ? "no-answer" : is_dead ? "no-process" : "not-to-be-asked", text);
}

static int find(const struct request *request, struct answer *ret)
{
	struct buf mountpoint = {0}, text = {0};
	int r = cli_find_mount_if_any(request->config, &mountpoint);
	if (r == -ENODEV)
		return find_one(ret, "not-mounted", "not mounted: nothing is served");
	if (r < 0) /* was said */
		return find_one(ret, "not-to-be-asked", "the mount cannot be found");
	r = ask(mountpoint.data, request->timeout_s * 1000, &text);
	r = r == 0 ? judge(request, &text, ret) : explain(request, mountpoint.data, r, ret);
	buf_done(&text);
	buf_done(&mountpoint);
	return r;
}

/* ---- saying ---- */

static void print_line(const struct answer *answer, enum overview_health level)
{
	static const char *const names[] = {"OK", "WARNING", "CRITICAL"};
	(void)printf("VOUCHFS %s - ", names[level]);
	if (answer->count == 0)
		(void)printf("%zu slots, nothing to look at", answer->slot_count);
	for (size_t i = 0; i < answer->count; i++)
		(void)printf("%s%s", i > 0 ? "; " : "", answer->findings[i].text);
	(void)printf("\n");
}

static int print_json(const struct answer *answer, enum overview_health level)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_text(&j, "health", overview_health_name(level));
	json_array(&j, "problems");
	for (size_t i = 0; i < answer->count; i++) {
		json_object(&j, NULL);
		json_text(&j, "level", overview_health_name(answer->findings[i].level));
		json_text(&j, "code", answer->findings[i].code);
		json_text(&j, "text", answer->findings[i].text);
		json_close(&j);
	}
	json_close(&j);
	json_close(&j);
	int r = json_end(&j);
	if (r == 0)
		(void)printf("%s\n", text.data);
	buf_done(&text);
	return r;
}

static int say(const struct request *request, const struct answer *answer)
{
	enum overview_health level = answer->count > 0 ? answer->findings[0].level : OVERVIEW_HEALTHY;
	int r = 0;
	if (request->json)
		r = print_json(answer, level);
	else
		print_line(answer, level);
	return r < 0 ? r : (int)level;
}

static bool take_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t number;
	if (!text)
		return true;
	if (!text_parse_u64(text, strlen(text), max, &number) || number < min)
		return false;
	*ret = number;
	return true;
}

static int run(int argc, char **argv)
{
	struct request request = {.expiry_days = OVERVIEW_EXPIRY_DAYS, .timeout_s = TIMEOUT_S};
	const char *expiry_days = NULL, *timeout = NULL;
	bool done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &request.config},
		{.name = "expiry-days", .kind = CLI_TEXT, .ret_text = &expiry_days},
		{.name = "timeout", .kind = CLI_TEXT, .ret_text = &timeout},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &request.json},
	};
	int code = cli_parse(cli_health_commands, table, ARRAY_SIZE(table), &argc, argv, 0, 0, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	if (!take_number(expiry_days, 0, EXPIRY_DAYS_MAX, &request.expiry_days))
		return cli_usage_error(cli_health_commands, "--expiry-days wants a number of days");
	if (!take_number(timeout, 1, TIMEOUT_MAX_S, &request.timeout_s))
		return cli_usage_error(cli_health_commands, "--timeout wants a number of seconds, 1 to %d",
				       TIMEOUT_MAX_S);

	struct answer answer = {0};
	int r = find(&request, &answer);
	r = r == 0 ? say(&request, &answer) : r;
	free(answer.findings);
	if (r < 0)
		cli_error("health: %s", strerror(-r));
	return r < 0 ? (int)OVERVIEW_CRITICAL : r;
}
