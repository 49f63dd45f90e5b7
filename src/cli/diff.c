/*
 * diff.c - `vouchfs diff`: what makes one release of a function another. Both trees are read below run/.releases of the
 * mount, so what is compared is what is served.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "arn/arn.h"
#include "base/io.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/aws.h"
#include "diff_layers.h"
#include "diff_tree.h"
#include "host.h"

#define EXIT_DIFFER  1
#define EXIT_TROUBLE 2
#define SHOWN_SIZE   4096

static int run(int argc, char **argv);

const struct cli_command cli_diff_commands[] = {
	{.name = "diff",
	 .summary = "what one release of a function has, and another has not",
	 .usage = "Examples:\n"
		  "  vouchfs diff main-function 6 7\n"
		  "  vouchfs diff main-function 6 7 --json | jq -r '.changed[].path'\n\n"
		  "Layers that were attached (+), detached (-) or are in another version (~), each with its signer;\n"
		  "files that were added (+), removed (-) or changed (content or mode, ~), below task and opt; and\n"
		  "the artifact's signer. Both releases are read through the mount.\n\n"
		  "Options:\n"
		  "      --json         as JSON\n" HOST_CONFIG_USAGE
		  "\nExit codes, as of diff(1): 0 the same, 1 different, 2 trouble.\n",
	 .run = run},
	{.name = NULL},
};

enum change { ADDED, REMOVED, CHANGED };

/* One path that is not the same on both sides. */
struct row {
	enum change change;
	const struct diff_file *from; /* NULL: added */
	const struct diff_file *to;   /* NULL: removed */
	bool has_digests;
	char from_sha256[CRYPTO_SHA256_HEX_SIZE];
	char to_sha256[CRYPTO_SHA256_HEX_SIZE];
};

struct release {
	const char *number;
	struct diff_tree tree;
	struct diff_layers layers;
	char signer[ARN_TEXT_SIZE]; /* profile version; "" when unsigned */
	char job[ARN_TEXT_SIZE];
};

struct diff {
	const char *function;
	struct release from;
	struct release to;
	struct row *rows;
	size_t count;
};

/* ---- comparing ---- */

static int digest(const struct diff_tree *tree, const struct diff_file *file, char ret[CRYPTO_SHA256_HEX_SIZE])
{
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	int r = diff_file_sha256(tree, file, sha256);
	if (r < 0) {
		char shown[SHOWN_SIZE];
		cli_error("%s: %s", text_escape_print(shown, sizeof(shown), file->path, strlen(file->path)),
			  r == -EIO ? "its stored bytes are damaged (Input/output error)" : strerror(-r));
		return r;
	}
	text_hex(sha256, sizeof(sha256), ret);
	return 0;
}

static int compare_files(struct diff *diff, const struct diff_file *from, const struct diff_file *to)
{
	struct row row = {.change = CHANGED, .from = from, .to = to};
	bool same = from->mode == to->mode;
	if (S_ISREG(from->mode) && S_ISREG(to->mode)) {
		int r = digest(&diff->from.tree, from, row.from_sha256);
		if (r == 0)
			r = digest(&diff->to.tree, to, row.to_sha256);
		if (r < 0)
			return r;
		row.has_digests = true;
		same &= strcmp(row.from_sha256, row.to_sha256) == 0;
	}
	if (!same)
		diff->rows[diff->count++] = row;
	return 0;
}

/* Both lists are sorted. */
static int compare_trees(struct diff *diff)
{
	const struct diff_tree *a = &diff->from.tree, *b = &diff->to.tree;
	size_t i = 0, k = 0;
	int r = 0;
	diff->rows = calloc(a->count + b->count + 1, sizeof(*diff->rows));
	if (!diff->rows)
		return -ENOMEM;
	while (r == 0 && (i < a->count || k < b->count)) {
		int order = i == a->count ? 1 : k == b->count ? -1 : strcmp(a->files[i].path, b->files[k].path);
		if (order == 0)
			r = compare_files(diff, &a->files[i++], &b->files[k++]);
		else if (order < 0)
			diff->rows[diff->count++] = (struct row){.change = REMOVED, .from = &a->files[i++]};
		else
			diff->rows[diff->count++] = (struct row){.change = ADDED, .to = &b->files[k++]};
	}
	return r;
}

/* ---- opening ---- */

static void read_attribute(int fd, const char *name, char ret[ARN_TEXT_SIZE])
{
	ssize_t len = fgetxattr(fd, name, ret, ARN_TEXT_SIZE - 1);
	ret[len > 0 ? len : 0] = '\0';
}

static int explain(const char *function, const char *number, int r)
{
	if (r == -ENOENT)
		cli_error("%s: there is no release %s; `vouchfs history %s` lists those that are kept", function,
			  number, function);
	else if (r == -EACCES)
		cli_error("%s: release %s is blocked by policy on load; `vouchfs history %s` shows that", function,
			  number, function);
	else
		cli_error("%s: release %s cannot be read: %s", function, number, strerror(-r));
	return r;
}

static int open_release(int dirfd, const char *function, struct release *release)
{
	char path[160];
	(void)snprintf(path, sizeof(path), "run/.releases/%s/%s", function, release->number);
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* run may be a symlink */
	if (fd < 0)
		return explain(function, release->number, -errno);
	read_attribute(fd, "user.vouchfs.profile_version_arn", release->signer);
	read_attribute(fd, "user.vouchfs.signing_job_arn", release->job);
	int r = diff_layers_read(fd, &release->layers);
	if (r < 0)
		io_close(&fd);
	else
		r = diff_tree_open(fd, &release->tree);
	return r < 0 ? explain(function, release->number, r) : 0;
}

/* ---- output ---- */

static bool has_other_signer(const struct diff *diff)
{
	return strcmp(diff->from.signer, diff->to.signer) != 0;
}

static bool is_same(const struct diff *diff)
{
	return diff->count == 0 && !has_other_signer(diff) &&
	       diff_layers_are_same(&diff->from.layers, &diff->to.layers);
}

static const char *signer_of(const struct release *release)
{
	return release->signer[0] ? release->signer : "(unsigned)";
}

static void print_file(char mark, const struct diff_file *file)
{
	char shown[SHOWN_SIZE];
	ASSERT(file); /* what was added or removed is on one side */
	text_escape_print(shown, sizeof(shown), file->path, strlen(file->path));
	if (S_ISDIR(file->mode))
		(void)printf("%c %s/\n", mark, shown);
	else
		(void)printf("%c %s  %" PRIu64 " bytes, mode %04o\n", mark, shown, file->size_bytes,
			     file->mode & 07777);
}

static void print_changed(const struct row *row)
{
	char shown[SHOWN_SIZE];
	const struct diff_file *from = row->from, *to = row->to;
	(void)printf("~ %s", text_escape_print(shown, sizeof(shown), from->path, strlen(from->path)));
	if (S_ISDIR(from->mode) != S_ISDIR(to->mode))
		(void)printf("  %s now", S_ISDIR(to->mode) ? "a folder" : "a file");
	else if (from->mode != to->mode)
		(void)printf("  mode %04o -> %04o", from->mode & 07777, to->mode & 07777);
	if (row->has_digests && strcmp(row->from_sha256, row->to_sha256) != 0)
		(void)printf("  %" PRIu64 " -> %" PRIu64 " bytes, sha256 %.12s -> %.12s", from->size_bytes,
			     to->size_bytes, row->from_sha256, row->to_sha256);
	(void)putchar('\n');
}

static void print_text(const struct diff *diff)
{
	size_t counts[] = {[ADDED] = 0, [REMOVED] = 0, [CHANGED] = 0};
	diff_layers_print(&diff->from.layers, &diff->to.layers);
	for (size_t i = 0; i < diff->count; i++) {
		const struct row *row = &diff->rows[i];
		counts[row->change]++;
		if (row->change == CHANGED)
			print_changed(row);
		else
			print_file(row->to ? '+' : '-', row->to ? row->to : row->from);
	}
	if (has_other_signer(diff))
		(void)printf("signer  %s -> %s\n", signer_of(&diff->from), signer_of(&diff->to));
	if (diff->count > 0)
		(void)printf("%zu added, %zu removed, %zu changed\n", counts[ADDED], counts[REMOVED], counts[CHANGED]);
}

static void put_side(struct json *j, const char *key, const struct diff_file *file, const char *sha256)
{
	char mode[16];
	(void)snprintf(mode, sizeof(mode), "%04o", file->mode & 07777);
	json_object(j, key);
	json_text(j, "type", S_ISDIR(file->mode) ? "folder" : "file");
	json_text(j, "mode", mode);
	json_u64(j, "size", file->size_bytes);
	if (sha256)
		json_text(j, "sha256", sha256);
	json_close(j);
}

static void put_rows(struct json *j, const struct diff *diff, const char *key, enum change change)
{
	json_array(j, key);
	for (size_t i = 0; i < diff->count; i++) {
		const struct row *row = &diff->rows[i];
		if (row->change != change)
			continue;
		json_object(j, NULL);
		json_text(j, "path", row->from ? row->from->path : row->to->path);
		if (row->from)
			put_side(j, "from", row->from, row->has_digests ? row->from_sha256 : NULL);
		if (row->to)
			put_side(j, "to", row->to, row->has_digests ? row->to_sha256 : NULL);
		json_close(j);
	}
	json_close(j);
}

static void put_release(struct json *j, const char *key, const struct release *release)
{
	uint64_t number = 0;
	(void)text_parse_u64(release->number, strlen(release->number), UINT64_MAX, &number);
	json_object(j, key);
	json_u64(j, "release", number);
	json_text(j, "profileVersionArn", release->signer[0] ? release->signer : NULL);
	json_text(j, "jobArn", release->job[0] ? release->job : NULL);
	json_close(j);
}

static int print_json(const struct diff *diff)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_text(&j, "function", diff->function);
	put_release(&j, "from", &diff->from);
	put_release(&j, "to", &diff->to);
	json_bool(&j, "same", is_same(diff));
	json_bool(&j, "signerChanged", has_other_signer(diff));
	diff_layers_put(&j, &diff->from.layers, &diff->to.layers);
	put_rows(&j, diff, "added", ADDED);
	put_rows(&j, diff, "removed", REMOVED);
	put_rows(&j, diff, "changed", CHANGED);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static int compare(int dirfd, struct diff *diff, bool json)
{
	diff->from.tree.fd = diff->to.tree.fd = -1;
	int r = open_release(dirfd, diff->function, &diff->from);
	if (r == 0)
		r = open_release(dirfd, diff->function, &diff->to);
	if (r == 0)
		r = compare_trees(diff);
	if (r == -ENOMEM)
		cli_error("%s", strerror(ENOMEM));
	int code = r < 0 ? EXIT_TROUBLE : is_same(diff) ? CLI_EXIT_OK : EXIT_DIFFER;
	if (r == 0 && json && print_json(diff) != CLI_EXIT_OK)
		code = EXIT_TROUBLE;
	else if (r == 0 && !json)
		print_text(diff);
	free(diff->rows);
	diff_tree_close(&diff->from.tree);
	diff_tree_close(&diff->to.tree);
	return code;
}

static bool is_number(const char *text)
{
	uint64_t number;
	return text_parse_u64(text, strlen(text), UINT64_MAX, &number) && number > 0;
}

static int run(int argc, char **argv)
{
	const char *given = NULL;
	bool json = false, done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &given},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &json},
	};
	int code = cli_parse(cli_diff_commands, table, ARRAY_SIZE(table), &argc, argv, 3, 3, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	const char *function = cli_function_operand(cli_diff_commands, argv[1]);
	if (!function)
		return CLI_EXIT_USAGE;
	if (!is_number(argv[2]) || !is_number(argv[3]))
		return cli_usage_error(cli_diff_commands, "the second and third operand are numbers of releases, like "
							  "6 7");
	int dirfd = -1;
	if (cli_open_mount(given, &dirfd) < 0)
		return EXIT_TROUBLE;
	struct diff diff = {.function = function, .from = {.number = argv[2]}, .to = {.number = argv[3]}};
	code = compare(dirfd, &diff, json);
	io_close(&dirfd);
	return code;
}
