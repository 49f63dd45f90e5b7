/* report.c - `vouchfs report`: the host on one static page, or the same as JSON. */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/text.h"
#include "host.h"
#include "overview.h"
#include "signers.h"

#define HOST_SIZE  256
#define SHOWN_SIZE 512

static int run(int argc, char **argv);

const struct cli_command cli_report_commands[] = {
	{.name = "report",
	 .summary = "the whole host on one static HTML page, failures first",
	 .usage = "Examples:\n"
		  "  vouchfs report --html /var/www/html/vouchfs.html\n"
		  "  vouchfs report --html - | mail -s vouchfs -a 'Content-Type: text/html' ops@example.org\n"
		  "  vouchfs report --json | jq '.attention[] | .mark + \" \" + .subject'\n\n"
		  "What needs attention, the slots, who may sign, what ends in which month, what Enforce would\n"
		  "refuse, and the releases that are kept. The page needs no network and no script, and can be read\n"
		  "on a phone and on paper. FILE is replaced in one step, mode 0644; - is stdout. Without a mount\n"
		  "the store is looked through, by its owner or root.\n\n"
		  "Options:\n"
		  "      --html FILE    the page\n"
		  "      --json         what is on it, as JSON on stdout\n" SIGNERS_USAGE HOST_CONFIG_USAGE
		  "\nExit codes: 0 written, 1 not to be had, 2 usage, 78 not mounted, and the configuration is "
		  "faulty.\n",
	 .run = run},
	{.name = NULL},
};

struct request {
	const char *config;
	const char *html; /* NULL: JSON */
	struct signers_options signers;
};

/* ---- writing ---- */

static int put_to_stdout(const struct buf *page)
{
	return fwrite(page->data, 1, page->len, stdout) == page->len ? 0 : -EIO;
}

static int put(const struct buf *page, const char *path)
{
	bool is_stdout = strcmp(path, "-") == 0;
	char shown[SHOWN_SIZE];
	int r = is_stdout ? put_to_stdout(page) : io_publish_file(path, page->data, page->len);
	if (r < 0)
		cli_error("the page cannot be written to %s: %s",
			  is_stdout ? "stdout" : text_escape_print(shown, sizeof(shown), path, strlen(path)),
			  strerror(-r));
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}

/* ---- rendering ---- */

static int render_json(const struct overview_report *report, struct buf *ret)
{
	struct json j = {.out = ret, .pretty = true};
	json_object(&j, NULL);
	int r = overview_put_report(&j, report);
	json_close(&j);
	int end = json_end(&j);
	r = r < 0 ? r : end;
	return r == 0 ? buf_putc(ret, '\n') : r;
}

static int render(const struct overview_report *report, const struct request *request)
{
	struct buf page = {0};
	int r = request->html ? overview_print_html(report, &page) : render_json(report, &page);
	int code = CLI_EXIT_FAILURE;
	if (r < 0)
		cli_error("the report cannot be made: %s", strerror(-r));
	else
		code = put(&page, request->html ? request->html : "-");
	buf_done(&page);
	return code;
}

/* ---- collecting ---- */

static int find_mountpoint(const struct request *request, const struct overview *overview, struct buf *ret)
{
	if (!overview->is_mounted)
		return CLI_EXIT_OK;
	return cli_find_mount(request->config, ret) < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}

/* Older daemons do not say it. */
static int name_host(struct overview *overview)
{
	char host[HOST_SIZE] = "";
	if (overview->host)
		return CLI_EXIT_OK;
	if (gethostname(host, sizeof(host) - 1) < 0)
		(void)snprintf(host, sizeof(host), "this host");
	overview->host = strdup(host);
	return overview->host ? CLI_EXIT_OK : CLI_EXIT_FAILURE;
}

static int make(const struct overview *overview, const struct request *request)
{
	struct buf mountpoint = {0};
	struct overview_signers *signers = NULL;
	struct overview_histories *histories = NULL;
	int code = find_mountpoint(request, overview, &mountpoint);
	if (code == CLI_EXIT_OK)
		code = cli_find_signers(cli_report_commands, overview->config_path, &request->signers, &signers);
	if (code == CLI_EXIT_OK)
		code = report_find_histories(request->config, overview, &histories);
	const struct overview_report report = {
		.overview = overview,
		.signers = signers,
		.histories = histories,
		.mountpoint = mountpoint.data,
	};
	if (code == CLI_EXIT_OK)
		code = render(&report, request);
	overview_histories_free(histories);
	overview_signers_free(signers);
	buf_done(&mountpoint);
	return code;
}

static int run(int argc, char **argv)
{
	struct request request = {0};
	bool json = false, done = false;
	const struct cli_option table[] = {
		{.name = "html", .kind = CLI_TEXT, .ret_text = &request.html},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &json},
		{.name = "home", .kind = CLI_TEXT, .ret_text = &request.signers.home},
		{.name = "service", .kind = CLI_TEXT, .ret_text = &request.signers.service},
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &request.config},
	};
	int code = cli_parse(cli_report_commands, table, ARRAY_SIZE(table), &argc, argv, 0, 0, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	if (json == (request.html != NULL))
		return cli_usage_error(cli_report_commands, "either --html FILE or --json");
	struct overview *overview = NULL;
	code = cli_overview(request.config, &overview);
	if (code == CLI_EXIT_OK)
		code = name_host(overview);
	if (code == CLI_EXIT_OK)
		code = make(overview, &request);
	overview_free(overview);
	return code;
}
