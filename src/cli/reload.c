/*
 * reload.c - `vouchfs reload`: the running mount reads its configuration again, all of it or none, and says what that
 * does to what is served. With --dry-run it only says what it would do.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/aws.h"
#include "effects_print.h"
#include "fs/mount.h"
#include "host.h"
#include "slots/effects.h"

#define ANSWER_BYTES 262144

static int run(int argc, char **argv);

const struct cli_command cli_reload_commands[] = {
	{.name = "reload",
	 .summary = "make the running mount read its configuration again",
	 .usage = "Examples:\n"
		  "  vouchfs reload --dry-run\n"
		  "  vouchfs reload\n"
		  "  vouchfs reload -c ./vouchfs.conf --json | jq .counts\n\n"
		  "Reads configuration, certificates and revocation lists, then swaps them at once, and says\n"
		  "which functions are blocked now, allowed again or warned about. A faulty one changes nothing\n"
		  "and has all its errors printed.\n\n"
		  "Options:\n"
		  "      --dry-run      only say what it would do\n"
		  "      --json         as JSON\n" HOST_CONFIG_USAGE
		  "\nExit codes: 0 in force, or would be; 1 not mounted or not permitted; 78 refused: the one\n"
		  "before stays.\n",
	 .run = run},
	{.name = NULL},
};

struct request {
	const char *given; /* the configuration, as named */
	char *config;	   /* its path */
	bool is_dry_run;
	bool json;
};

/* ---- what it did ---- */

static int print_effects(const struct request *request, const struct effects *effects)
{
	if (request->is_dry_run)
		(void)printf("%s would be taken as generation %" PRIu64 "; nothing was changed\n", request->config,
			     effects->generation);
	else
		(void)printf("%s is in force, generation %" PRIu64 "\n", request->config, effects->generation);
	effects_print(effects);
	return CLI_EXIT_OK;
}

/* ---- as JSON ---- */

static void put_head(struct json *j, const struct request *request, bool is_taken)
{
	json_object(j, NULL);
	json_u64(j, "schema", 1);
	json_text(j, "config", request->config);
	json_bool(j, "dryRun", request->is_dry_run);
	json_bool(j, "taken", is_taken);
}

static int print_effects_json(const struct request *request, const struct effects *effects)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	put_head(&j, request, true);
	effects_put_json(&j, effects);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

/* ---- refused ---- */

static int print_errors_json(const struct request *request, const char *errors)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	put_head(&j, request, false);
	json_array(&j, "errors");
	for (const char *line = errors; *line;) {
		size_t len = strcspn(line, "\n");
		json_text_n(&j, NULL, line, len);
		line += len + (line[len] != '\0');
	}
	json_close(&j);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static int refuse(const struct request *request, const char *errors)
{
	if (request->json && print_errors_json(request, errors) != CLI_EXIT_OK)
		return CLI_EXIT_FAILURE;
	if (!request->json)
		(void)fputs(errors, stderr);
	cli_error(request->is_dry_run ? "the configuration would be refused; nothing was changed"
				      : "the configuration was refused; the one before stays in force");
	return CLI_EXIT_CONFIG;
}

/* ---- the mount ---- */

static int read_answer(const struct request *request, struct buf *ret)
{
	int dirfd = -1;
	int r = cli_open_mount(request->given, &dirfd);
	if (r < 0)
		return r;
	r = io_read_file(dirfd, request->is_dry_run ? ".vouchfs/reload-dry-run" : ".vouchfs/reload", ANSWER_BYTES, ret);
	if (r == -EACCES || r == -EPERM)
		cli_error("only root, and the user who has mounted it, may try a reload");
	else if (r < 0)
		cli_error("what it does cannot be read: %s", strerror(-r));
	io_close(&dirfd);
	return r;
}

static int tell(const struct request *request, const struct buf *answer)
{
	struct effects *effects = calloc(1, sizeof(*effects));
	int code = CLI_EXIT_FAILURE;
	int r = effects ? effects_parse(answer->data ? answer->data : "", answer->len, effects) : -ENOMEM;
	if (r < 0)
		cli_error("what it does cannot be read: %s", strerror(-r));
	else
		code = request->json ? print_effects_json(request, effects) : print_effects(request, effects);
	free(effects);
	return code;
}

/* Whatever takes the place of a daemon that died has read the configuration, and compared it with nothing. */
static int tell_in_force(const struct request *request)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	if (!request->json) {
		(void)printf("%s is in force, with another daemon: what it changed is not known\n", request->config);
		return CLI_EXIT_OK;
	}
	put_head(&j, request, true);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}

static int show(const struct request *request)
{
	static const char refused[] = EFFECTS_REFUSED "\n";
	struct buf answer = {0};
	int code = CLI_EXIT_FAILURE;
	if (read_answer(request, &answer) == 0)
		code = answer.len == 0 && !request->is_dry_run ? tell_in_force(request)
		       : answer.data && text_starts_with(answer.data, refused)
			       ? refuse(request, answer.data + strlen(refused))
			       : tell(request, &answer);
	buf_done(&answer);
	return code;
}

static int reload(const struct request *request)
{
	struct buf errors = {0};
	struct explain why = {0};
	int code = CLI_EXIT_FAILURE;
	int r = fs_reload(request->config, &errors, &why);
	if (r == 0)
		code = show(request) == CLI_EXIT_OK || !request->json ? CLI_EXIT_OK : CLI_EXIT_FAILURE;
	else if (r == -EINVAL)
		code = refuse(request, errors.data ? errors.data : "");
	else
		cli_error("%s", why.text);
	buf_done(&errors);
	return code;
}

static int run(int argc, char **argv)
{
	struct request request = {0};
	bool done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &request.given},
		{.name = "dry-run", .kind = CLI_FLAG, .ret_flag = &request.is_dry_run},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &request.json},
	};
	int code = cli_parse(cli_reload_commands, table, ARRAY_SIZE(table), &argc, argv, 0, 0, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	if (cli_resolve_config(request.given, &request.config) < 0)
		return CLI_EXIT_FAILURE;
	code = request.is_dry_run ? show(&request) : reload(&request);
	free(request.config);
	return code;
}
