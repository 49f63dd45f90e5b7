/* The process that serves against [unit], and whose slots are what their sections say. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/access.h"
#include "base/io.h"
#include "base/text.h"
#include "config/policy.h"
#include "drift_find.h"

#define STATUS_BYTES 65536
#define INFINITE     "infinity" /* as systemd writes it */

/* ---- the process ---- */

static uint64_t limit_of(__rlimit_resource_t resource)
{
	struct rlimit limit;
	if (getrlimit(resource, &limit) < 0)
		return 0;
	return limit.rlim_max == RLIM_INFINITY ? UINT64_MAX : limit.rlim_max;
}

/* "Umask:\t0077", which no call tells without changing it. */
static bool read_umask(mode_t *ret)
{
	static const char key[] = "\nUmask:\t";
	struct buf text = {0};
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	char *line = NULL;
	if (fd >= 0 && buf_reserve(&text, STATUS_BYTES) == 0) {
		ssize_t got = read(fd, text.data, STATUS_BYTES - 1);
		text.data[got > 0 ? got : 0] = '\0';
		line = strstr(text.data, key);
		if (line)
			*ret = (mode_t)strtoul(line + strlen(key), NULL, 8);
	}
	bool found = line != NULL;
	io_close(&fd);
	buf_done(&text);
	return found;
}

void drift_look_at_process(struct drift_process *ret)
{
	*ret = (struct drift_process){
		.uid = geteuid(),
		.no_new_privileges = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
		.files_max = limit_of(RLIMIT_NOFILE),
		.core_max = limit_of(RLIMIT_CORE),
	};
	ret->has_umask = read_umask(&ret->umask);
}

/* ---- [unit] ---- */

struct option {
	const char *name;
	/* Whether it is as wanted; what was found otherwise. */
	bool (*fits)(const char *wanted, const struct drift_process *process, char ret_found[DRIFT_WORDS_SIZE]);
};

static bool fits_user(const char *wanted, const struct drift_process *process, char ret_found[DRIFT_WORDS_SIZE])
{
	char user[ACCESS_USER_SIZE];
	uint64_t uid;
	uid_t named;
	if (access_find_user(wanted, &named))
		uid = named;
	else if (!text_parse_u64(wanted, strlen(wanted), UINT32_MAX, &uid)) {
		(void)snprintf(ret_found, DRIFT_WORDS_SIZE, "%s; there is no user of that name here",
			       access_user(process->uid, user));
		return false;
	}
	(void)snprintf(ret_found, DRIFT_WORDS_SIZE, "%s", access_user(process->uid, user));
	return uid == process->uid;
}

static bool fits_answer(const char *wanted, bool found, char ret_found[DRIFT_WORDS_SIZE])
{
	(void)snprintf(ret_found, DRIFT_WORDS_SIZE, "%s", found ? "yes" : "no");
	return (strcmp(wanted, "yes") == 0) == found;
}

static bool fits_no_new_privileges(const char *wanted, const struct drift_process *process,
				   char ret_found[DRIFT_WORDS_SIZE])
{
	return fits_answer(wanted, process->no_new_privileges, ret_found);
}

static bool fits_allow_other(const char *wanted, const struct drift_process *process, char ret_found[DRIFT_WORDS_SIZE])
{
	return fits_answer(wanted, process->allow_other, ret_found);
}

static bool fits_umask(const char *wanted, const struct drift_process *process, char ret_found[DRIFT_WORDS_SIZE])
{
	if (!process->has_umask) {
		(void)snprintf(ret_found, DRIFT_WORDS_SIZE,
			       "it cannot be found out; /proc/self/status does not say it");
		return false;
	}
	(void)snprintf(ret_found, DRIFT_WORDS_SIZE, "%04o", (unsigned)process->umask);
	return strtoul(wanted, NULL, 8) == process->umask;
}

static uint64_t limit_wanted(const char *wanted)
{
	uint64_t limit = 0;
	return text_parse_u64(wanted, strlen(wanted), UINT64_MAX, &limit) ? limit : 0;
}

static void print_limit(uint64_t limit, char ret_found[DRIFT_WORDS_SIZE])
{
	if (limit == UINT64_MAX)
		(void)snprintf(ret_found, DRIFT_WORDS_SIZE, INFINITE);
	else
		(void)snprintf(ret_found, DRIFT_WORDS_SIZE, "%" PRIu64, limit);
}

static bool fits_files(const char *wanted, const struct drift_process *process, char ret_found[DRIFT_WORDS_SIZE])
{
	print_limit(process->files_max, ret_found);
	return process->files_max >= limit_wanted(wanted);
}

static bool fits_core(const char *wanted, const struct drift_process *process, char ret_found[DRIFT_WORDS_SIZE])
{
	print_limit(process->core_max, ret_found);
	return process->core_max <= limit_wanted(wanted);
}

static const struct option options[] = {
	{"User", fits_user},	  {"NoNewPrivileges", fits_no_new_privileges},
	{"UMask", fits_umask},	  {"LimitNOFILE", fits_files},
	{"LimitCORE", fits_core}, {"AllowOther", fits_allow_other},
};

static void check_option(const struct config_unit_option *wanted, const struct drift_process *process,
			 struct drift *drift)
{
	char found[DRIFT_WORDS_SIZE] = "this version does not know it";
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (strcmp(options[i].name, wanted->name) == 0 && options[i].fits(wanted->value, process, found))
			return;
	drift_add(drift,
		  &(struct drift_finding){
			  .kind = DRIFT_UNIT, .subject = wanted->name, .expected = wanted->value, .found = found});
}

void drift_find_unit(const struct drift_scene *scene, struct drift *drift)
{
	const struct config_terms *terms = scene->trust->config->terms;
	for (size_t i = 0; terms && i < terms->unit_count; i++)
		check_option(&terms->unit[i], &scene->process, drift);
}
