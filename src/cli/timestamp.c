/* timestamp: puts a time stamp into a file that is signed already. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "signer.h"

static int run(int argc, char **argv);

const struct cli_command cli_timestamp_commands[] = {
	{
		.name = "timestamp",
		.summary = "put an RFC 3161 time stamp into a signed ZIP",
		.usage = "Examples:\n"
			 "  vouchfs timestamp --timestamp-url http://tsa.example.org/ app.zip\n"
			 "  vouchfs timestamp --timestamp-url file:stamps app.zip   # writes stamps/JOB.tsq\n"
			 "  openssl ts -reply -queryfile stamps/JOB.tsq -out stamps/JOB.tsr -config tsa.cnf\n"
			 "  vouchfs timestamp --timestamp-url file:stamps app.zip   # takes stamps/JOB.tsr\n\n"
			 "The stamp proves when the signature was there; hosts whose configuration names a\n"
			 "timestamp_authority take its time for that of signing. The bytes that were signed stay as "
			 "they\n"
			 "are, and no key is needed. The file is replaced in one step.\n\n"
			 "Options:\n"
			 "      --timestamp-url http://HOST[:PORT]/PATH  asks this authority\n"
			 "      --timestamp-url file:DIR    the reply DIR/JOB.tsr, where there is one; else the query "
			 "goes\n"
			 "                                  to DIR/JOB.tsq (JOB: the id of the signing job)\n"
			 "      --timestamp-url file:REPLY  a reply, or the bare token, as openssl ts writes them\n",
		.run = run,
	},
	{.name = NULL},
};

static int stamp(const char *file, const char *url)
{
	char escaped[256];
	struct explain why = {0}, notice = {0};
	bool pending = false;
	(void)text_escape_print(escaped, sizeof(escaped), file, strlen(file));
	char *path = realpath(file, NULL); /* what a symlink leads to is replaced, not the link */
	int r = path ? signer_timestamp_file(path, url, LIMIT_ARTIFACT_BYTES_DEFAULT, &pending, &notice, &why) : -errno;
	free(path);
	if (r < 0) {
		cli_error("%s: %s", escaped, why.text[0] ? why.text : strerror(-r));
		return CLI_EXIT_FAILURE;
	}
	if (pending)
		cli_error("notice: %s", notice.text);
	(void)printf("%s: %s\n", escaped, pending ? "not stamped yet" : "stamped");
	return CLI_EXIT_OK;
}

static int run(int argc, char **argv)
{
	const char *url = NULL;
	bool done;
	const struct cli_option options[] = {
		{.name = "timestamp-url", .kind = CLI_TEXT, .required = true, .ret_text = &url},
	};
	int exit_code = cli_parse(&cli_timestamp_commands[0], options, ARRAY_SIZE(options), &argc, argv, 1, 1, &done);
	return exit_code != 0 || done ? exit_code : stamp(argv[1], url);
}
