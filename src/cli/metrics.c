/* metrics.c - `vouchfs metrics`: what a running mount counts, in the text format of Prometheus. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"
#include "host.h"

#define METRICS_FILE ".vouchfs/metrics"
#define SHOWN_SIZE   512

static int run(int argc, char **argv);

const struct cli_command cli_metrics_commands[] = {
	{.name = "metrics",
	 .summary = "what the running mount counts, for Prometheus",
	 .usage = "Examples:\n"
		  "  vouchfs metrics\n"
		  "  vouchfs metrics -c ./vouchfs.conf | promtool check metrics\n"
		  "  vouchfs metrics -o /var/lib/prometheus/node-exporter/vouchfs.prom\n\n"
		  "The text of .vouchfs/metrics. With metrics_textfile in the configuration the\n"
		  "daemon writes it to a file by itself, after every change; -o is for a timer of\n"
		  "one's own, as another user.\n\n"
		  "Options:\n"
		  "  -o, --output FILE  into a file that is whole at any time, for all to read\n" HOST_CONFIG_USAGE
		  "\nExit codes: 0 shown or written, 1 not mounted or not to be had, 2 usage.\n",
	 .run = run},
	{.name = NULL},
};

static int read_metrics(int dirfd, struct buf *ret)
{
	int fd = openat(dirfd, METRICS_FILE, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = io_read_fd(fd, LIMIT_METRICS_BYTES, ret);
	io_close(&fd);
	return r;
}

static int write_metrics(int dirfd, const char *path)
{
	char shown[SHOWN_SIZE];
	struct buf text = {0};
	int r = read_metrics(dirfd, &text);
	if (r < 0) {
		cli_error("metrics: %s", strerror(-r));
		goto out;
	}
	r = io_publish_file(path, text.data, text.len);
	if (r < 0)
		cli_error("%s cannot be written: %s", text_escape_print(shown, sizeof(shown), path, strlen(path)),
			  strerror(-r));
out:
	buf_done(&text);
	return r;
}

static int print_metrics(int dirfd)
{
	int r = cli_print_file(dirfd, METRICS_FILE);
	if (r < 0)
		cli_error("metrics: %s", strerror(-r));
	return r;
}

static int run(int argc, char **argv)
{
	const char *given = NULL, *output = NULL;
	bool done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
		{.name = "output", .letter = 'o', .kind = CLI_TEXT, .ret_text = &output},
	};
	int code = cli_parse(cli_metrics_commands, table, ARRAY_SIZE(table), &argc, argv, 0, 0, &done);
	if (code != CLI_EXIT_OK || done)
		return code;

	int dirfd = -1;
	if (cli_open_mount(given, &dirfd) < 0)
		return CLI_EXIT_FAILURE;
	int r = output ? write_metrics(dirfd, output) : print_metrics(dirfd);
	io_close(&dirfd);
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}
