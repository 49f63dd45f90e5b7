/*
 * inspect: what a file says about itself. Whether to trust that is not judged here, `verify` does; but whether the
 * bytes are those that were signed is, by both digests.
 */
#include "inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/cli.h"
#include "crypto/merkle.h"
#include "signature/signature.h"

static int run(int argc, char **argv);

const struct cli_command cli_inspect_commands[] = {
	{
		.name = "inspect",
		.summary = "show what a ZIP's signature says",
		.usage =
			"Examples:\n"
			"  vouchfs inspect app.zip\n"
			"  vouchfs inspect --json app.zip | jq -r .statement.profileVersionArn\n\n"
			"Recomputes the digests, so it says whether the bytes are those that were signed. Whether the\n"
			"signer is trusted is not judged here: `vouchfs verify` does that. Exits 0 for every ZIP, "
			"signed\n"
			"or not, and 1 for a file that cannot be read as one.\n\n"
			"Options:\n"
			"      --json  the answer as JSON\n",
		.run = run,
	},
	{.name = NULL},
};

/* Compares what the statement says with the bytes. 0 with in->integrity and why, or a failure to read. */
static int check_bytes(const struct io_reader *file, struct inspection *in)
{
	const struct statement *statement = &in->statement;
	uint8_t sha384[CRYPTO_SHA384_BYTES];
	struct merkle_tree *tree = NULL;
	int r = crypto_sha384_reader(file, in->tail.signed_length, sha384);
	if (r == 0)
		r = merkle_tree_of(file, in->tail.signed_length, &tree);
	if (r < 0)
		return r;
	ASSERT(tree);

	if (statement->length_bytes != in->tail.signed_length)
		explain_set(&in->integrity_why, "%llu bytes were signed, the file has %llu before its comment",
			    (unsigned long long)statement->length_bytes, (unsigned long long)in->tail.signed_length);
	else if (memcmp(tree->digest, statement->tree_sha256, sizeof(statement->tree_sha256)) != 0)
		explain_set(&in->integrity_why, "tree-sha256 differs: the bytes are not those that were signed");
	else if (memcmp(sha384, statement->sha384, sizeof(sha384)) != 0)
		explain_set(&in->integrity_why, "sha384 differs: the bytes are not those that were signed");
	else
		in->integrity = true;
	merkle_tree_free(tree);
	return 0;
}

static int check_signature(const struct io_reader *file, const char *comment, struct inspection *in)
{
	int r = signature_parse_any(comment, in->tail.comment_len, &in->content, &in->cms, &in->integrity_why);
	if (r < 0)
		return r == -EBADMSG ? 0 : r;
	size_t len;
	const char *content = crypto_cms_content(in->cms, &len);
	r = statement_parse(content, len, &in->statement, &in->integrity_why);
	if (r < 0)
		return r == -EBADMSG ? 0 : r;
	in->has_statement = true;
	if (crypto_cms_signing_time_s(in->cms) != in->statement.signed_at_s) {
		explain_set(&in->integrity_why, "the signing time differs from the statement's signed-at");
		return 0;
	}
	return check_bytes(file, in);
}

int inspect_file(const struct io_reader *file, struct inspection *in, struct explain *ret_why)
{
	struct zip_refusal refusal = {0};
	int r = zip_read_tail(file, &in->tail, &refusal);
	if (r < 0) {
		*ret_why = refusal.text;
		return r;
	}
	if (in->tail.comment_len == 0)
		return 0;
	char *comment = malloc(in->tail.comment_len);
	if (!comment)
		return -ENOMEM;
	r = io_reader_pread(file, comment, in->tail.comment_len, in->tail.comment_offset);
	if (r == 0)
		in->claims_signature = signature_is_claimed(comment, in->tail.comment_len);
	if (in->claims_signature)
		r = check_signature(file, comment, in);
	free(comment);
	return r;
}

static int open_file(const char *path, int *ret_fd, uint64_t *ret_size_bytes)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0 && !S_ISREG(st.st_mode))
		r = -EINVAL;
	if (r < 0) {
		io_close(&fd);
		return r;
	}
	*ret_fd = fd;
	*ret_size_bytes = (uint64_t)st.st_size;
	return 0;
}

static int run(int argc, char **argv)
{
	bool json = false, done;
	const struct cli_option options[] = {
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &json},
	};
	int exit_code = cli_parse(&cli_inspect_commands[0], options, ARRAY_SIZE(options), &argc, argv, 1, 1, &done);
	if (exit_code != 0 || done)
		return exit_code;

	struct inspection in = {.path = argv[1], .now_s = clock_now_s()};
	struct explain why = {0};
	int fd = -1;
	int r = open_file(argv[1], &fd, &in.size_bytes);
	if (r == 0) {
		struct io_reader file = io_reader_fd(&fd, in.size_bytes);
		r = inspect_file(&file, &in, &why);
	}
	if (r < 0) {
		char path[256];
		(void)text_escape_print(path, sizeof(path), argv[1], strlen(argv[1]));
		cli_error("%s: %s", path, why.text[0] ? why.text : r == -EINVAL ? "not a regular file" : strerror(-r));
		exit_code = CLI_EXIT_FAILURE;
	} else if (json) {
		exit_code = inspect_print_json(&in);
	} else {
		exit_code = inspect_print_text(&in);
	}
	crypto_cms_free(in.cms);
	io_close(&fd);
	return exit_code;
}
