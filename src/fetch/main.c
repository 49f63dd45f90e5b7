/*
 * vouchfs-fetch - fetches policy bundles and writes them to the mount, as its user, like anybody else. Started by the
 * process that mounts (fs/fetcher.c); a bundle's signature is what counts, so nothing here is trusted by anybody.
 *
 * SIGUSR1: look now, at whatever is there. SIGTERM ends it at once.
 */
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "confine.h"
#include "delivery.h"
#include "poll.h"
#include "schedule.h"

#define EXIT_USAGE     2
#define EXIT_CONFIG    78
#define INTERVAL_MAX_S (366ULL * 86400)

struct request {
	const char *url;
	const char *ca;
	const char *mountpoint;
	uint64_t interval_s;
	struct log_options log;
};

static const char usage[] =
	"Usage: vouchfs-fetch --source URL --interval DURATION [--ca FILE] [--log TARGET]\n"
	"                     [--background] MOUNTPOINT\n\n"
	"The mount starts it where [policy] source says where bundles come from; see vouchfs-fetch(8).\n";

static const struct option options[] = {
	{"source", required_argument, NULL, 's'}, {"interval", required_argument, NULL, 'i'},
	{"ca", required_argument, NULL, 'c'},	  {"log", required_argument, NULL, 'l'},
	{"background", no_argument, NULL, 'b'},	  {NULL, 0, NULL, 0},
};

static bool take_option(int option, struct request *request)
{
	switch (option) {
	case 's':
		request->url = optarg;
		return true;
	case 'i':
		return text_parse_duration(optarg, INTERVAL_MAX_S, &request->interval_s) && request->interval_s > 0;
	case 'c':
		request->ca = optarg;
		return true;
	case 'l':
		return log_target_parse(optarg, &request->log.target);
	case 'b':
		request->log.background = true;
		return true;
	default:
		return false;
	}
}

static bool take_arguments(int argc, char **argv, struct request *request)
{
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
		if (!take_option(option, request))
			return false;
	if (!request->url || request->interval_s == 0 || optind != argc - 1 || argv[optind][0] != '/')
		return false;
	request->mountpoint = argv[optind];
	return true;
}

/* True: somebody asks. */
static bool pause_or_asked(uint64_t pause_ms)
{
	sigset_t set;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	const struct timespec pause = {.tv_sec = (time_t)(pause_ms / 1000),
				       .tv_nsec = (long)(pause_ms % 1000) * 1000000};
	return sigtimedwait(&set, NULL, &pause) == SIGUSR1;
}

static void block_question(void)
{
	sigset_t set;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

static _Noreturn void run(const struct request *request, const struct source *source)
{
	struct poll_state poll = {.source = *source, .mountpoint = request->mountpoint};
	uint64_t pause_ms = (uint64_t)SCHEDULE_FIRST_MS * schedule_draw() / SCHEDULE_JITTER_PARTS;
	for (;;) {
		if (pause_or_asked(pause_ms))
			poll_forget(&poll);
		poll_look(&poll);
		pause_ms = schedule_pause_ms(request->interval_s * 1000, poll.failures, schedule_draw());
	}
}

/* What only the configuration can mend: to be heard where somebody looks. */
static int give_up(const struct request *request, const char *why)
{
	log_error("policy: nothing is fetched: %s", why);
	(void)delivery_report(request->mountpoint, why);
	return EXIT_CONFIG;
}

static int confine(const struct request *request)
{
	int r = fetch_confine_process();
	if (r < 0) {
		log_error("policy: nothing is fetched: the process cannot be confined: %s", strerror(-r));
		return r;
	}
	bool files = fetch_confine_files(request->mountpoint), calls = fetch_confine_calls();
	if (!files || !calls)
		log_notice("policy: who fetches is confined by its user alone:%s%s is not there",
			   files ? "" : " Landlock", calls ? "" : " seccomp");
	return 0;
}

int main(int argc, char **argv)
{
	struct request request = {0};
	struct source source;
	struct explain why;
	block_question();
	if (!take_arguments(argc, argv, &request)) {
		(void)fputs(usage, stderr);
		return EXIT_USAGE;
	}
	(void)prctl(PR_SET_NAME, "vouchfs-fetch");
	log_open(&request.log);
	if (request.log.background)
		log_leave_terminal();
	if (geteuid() == 0 || getuid() == 0)
		return give_up(&request, "root does not fetch; [policy] source_user names another user");
	source.ca = request.ca;
	if (address_parse(request.url, &source.address, &why) < 0)
		return give_up(&request, why.text);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || confine(&request) < 0)
		return EXIT_FAILURE;
	log_notice("policy: bundles are fetched from %s every %llu s, by uid %u", source.address.shown,
		   (unsigned long long)request.interval_s, geteuid());
	run(&request, &source);
}
