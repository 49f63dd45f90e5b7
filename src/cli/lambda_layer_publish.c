/* lambda publish-layer-version, delete-layer-version: through the mount, as the calling user. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/text.h"
#include "lambda_layer.h"
#include "lambda_write.h"

static int run_publish(int argc, char **argv);
static int run_delete(int argc, char **argv);

enum { PUBLISH, DELETE };

const struct cli_command cli_lambda_layer_commands[] = {
	[PUBLISH] = {.group = "lambda",
		     .name = "publish-layer-version",
		     .summary = "publish a ZIP as the next version of a layer",
		     .usage =
			     "Examples:\n"
			     "  vouchfs lambda publish-layer-version --layer-name lambda_signing \\\n"
			     "      --zip-file fileb://signed-layer.zip --compatible-runtimes python3.11 python3.12\n\n"
			     "The same as cp into layers/L/. Content that is a version already publishes nothing: the\n"
			     "answer is that version. What is said of a version is kept with it and does not change.\n"
			     "Who signed it is judged when a function attaches it.\n\n"
			     "Options:\n"
			     "      --layer-name L             its name or its ARN (required)\n"
			     "      --zip-file fileb://PATH    the content (required)\n"
			     "      --description TEXT         at most 256 characters\n"
			     "      --compatible-runtimes R... at most 15\n"
			     "      --compatible-architectures A...\n"
			     "                                 x86_64, arm64\n"
			     "      --license-info TEXT        at most 512 characters\n" CLI_LAMBDA_OPTIONS,
		     .run = run_publish},
	[DELETE] = {.group = "lambda",
		    .name = "delete-layer-version",
		    .summary = "remove a layer version; functions that have it keep it",
		    .usage = "Examples:\n"
			     "  vouchfs lambda delete-layer-version --layer-name lambda_signing --version-number 1\n\n"
			     "The same as rm. Its number is not given again. One that is not there is no error.\n\n"
			     "Options:\n"
			     "      --layer-name L         its name or its ARN (required)\n"
			     "      --version-number N     (required)\n" CLI_LAMBDA_OPTIONS,
		    .run = run_delete},
	{.name = NULL},
};

#define RUNTIMES_MAX	  15
#define ARCHITECTURES_MAX 2
#define DESCRIPTION_MAX	  256 /* characters, as AWS counts them */
#define LICENSE_MAX	  512
#define NAME_CHARACTERS	  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

struct publication {
	const struct cli_command *command;
	char layer[ARN_LAMBDA_NAME_SIZE];
	const char *description, *license;
	struct cli_list runtimes, architectures;
	char *about[LAYER_ABOUT_COUNT]; /* NULL: not given */
	int zip_fd;
	bool made_slot;
};

/* ---- what is said of it ---- */

static int take_text(const struct lambda_host *host, const char *text, size_t max, enum lambda_about about,
		     struct publication *p)
{
	size_t characters = 0;
	if (!text)
		return 0;
	for (const char *at = text; *at; at++)
		characters += (*at & 0xC0) != 0x80; /* of UTF-8, not its bytes */
	if (characters > max)
		return cli_lambda_fail(host->operation, "InvalidParameterValueException",
				       "--%s has %zu characters, at most %zu are allowed",
				       lambda_about_infos[about].option, characters, max);
	p->about[about] = strdup(text);
	return p->about[about] ? 0 : cli_lambda_no_memory(host->operation);
}

static bool is_name(const char *text, enum lambda_about about)
{
	if (about == LAYER_ARCHITECTURES)
		return strcmp(text, "x86_64") == 0 || strcmp(text, "arm64") == 0;
	return text_consists_of(text, strlen(text), NAME_CHARACTERS, 1, 64);
}

static int take_list(const struct lambda_host *host, const struct cli_list *list, size_t max, enum lambda_about about,
		     struct publication *p)
{
	const char *option = lambda_about_infos[about].option;
	struct buf joined = {0};
	char shown[80];
	int r = 0;
	if (list->count > max)
		return cli_lambda_fail(host->operation, "InvalidParameterValueException",
				       "--%s takes at most %zu values", option, max);
	for (size_t i = 0; r == 0 && i < list->count; i++) {
		const char *item = list->items[i];
		if (!is_name(item, about)) {
			buf_done(&joined);
			return cli_lambda_fail(host->operation, "InvalidParameterValueException",
					       "--%s: \"%s\" is not %s", option,
					       text_escape_print(shown, sizeof(shown), item, strlen(item)),
					       about == LAYER_ARCHITECTURES ? "x86_64 or arm64"
									    : "the name of a runtime, as python3.11");
		}
		r = buf_printf(&joined, "%s%s", i > 0 ? "," : "", item);
	}
	if (list->count > 0)
		p->about[about] = buf_steal(&joined);
	buf_done(&joined);
	return list->count > 0 && !p->about[about] ? cli_lambda_no_memory(host->operation) : 0;
}

static int take_about(const struct lambda_host *host, struct publication *p)
{
	int exit_code = take_text(host, p->description, DESCRIPTION_MAX, LAYER_DESCRIPTION, p);
	if (exit_code == 0)
		exit_code = take_text(host, p->license, LICENSE_MAX, LAYER_LICENSE, p);
	if (exit_code == 0)
		exit_code = take_list(host, &p->runtimes, RUNTIMES_MAX, LAYER_RUNTIMES, p);
	if (exit_code == 0)
		exit_code = take_list(host, &p->architectures, ARCHITECTURES_MAX, LAYER_ARCHITECTURES, p);
	return exit_code;
}

static int set_about(int fd, const struct publication *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(p->about); i++) {
		const char *text = p->about[i];
		if (text && fsetxattr(fd, lambda_about_infos[i].attribute, text, strlen(text), 0) < 0)
			return -errno;
	}
	return 0;
}

/* What was published before says what it says. */
static int check_about(const struct lambda_host *host, const struct publication *p,
		       const struct lambda_layer_version *version)
{
	for (size_t i = 0; i < ARRAY_SIZE(p->about); i++) {
		const char *said = version->about[i] ? version->about[i] : "";
		char shown[512];
		if (!p->about[i] || strcmp(p->about[i], said) == 0)
			continue;
		return cli_lambda_fail(
			host->operation, "ResourceConflictException",
			"nothing was published: this content is version %" PRIu64 " of layer %s already, with %s "
			"\"%s\", and what is said of a version does not change; leave out --%s, or remove "
			"that version first (delete-layer-version)",
			version->number, p->layer, lambda_about_infos[i].member,
			text_escape_print(shown, sizeof(shown), said, strlen(said)), lambda_about_infos[i].option);
	}
	return 0;
}

/* ---- publishing ---- */

/* mkdir, where a pattern allows it to the caller. */
static int make_slot(const struct lambda_host *host, struct publication *p)
{
	const struct config_slot *section = config_find_layer(host->config, p->layer);
	if (!section)
		return cli_lambda_fail(host->operation, "InvalidParameterValueException",
				       "no [layer] section is for %s: declare [layer %s], or a pattern it falls under, "
				       "in %s",
				       p->layer, p->layer, host->path);
	int layers = section->is_pattern ? lambda_open_below(host, "layers") : -1;
	int error = layers >= 0 && mkdirat(layers, p->layer, 0775) < 0 ? errno : 0;
	p->made_slot = layers >= 0 && error == 0;
	io_close(&layers);
	if (error == 0 || error == EEXIST)
		return 0;
	return cli_lambda_fail(host->operation, error == EACCES ? "AccessDeniedException" : "ServiceException",
			       "layer %s cannot be made: %s; [layer %s] at %s:%u says by owner and group who may",
			       p->layer, strerror(error), section->name, section->origin.file, section->origin.line);
}

/* Nothing of a layer that was refused is left. */
static void take_back(const struct lambda_host *host, const struct publication *p)
{
	int layers = p->made_slot ? lambda_open_below(host, "layers") : -1;
	if (layers >= 0)
		(void)unlinkat(layers, p->layer, AT_REMOVEDIR);
	io_close(&layers);
}

/* The answer is the version that the name leads to from now on. */
static int answer(const struct lambda_host *host, const struct lambda_target *target, const char *file,
		  const struct publication *p)
{
	static const char nothing_new[] = "nothing new";
	struct lambda_layer_version version = {0};
	struct lambda_why why;
	int r = lambda_layer_read(host, p->layer, file, true, &version);
	if (r < 0)
		return cli_lambda_fail(host->operation, "ServiceException",
				       "layer %s: what was published cannot be read: %s; `ls` shows its versions",
				       p->layer, strerror(-r));
	int exit_code = check_about(host, p, &version);
	if (exit_code == 0 && lambda_target_why(host, target, &why) && text_starts_with(why.detail, nothing_new))
		cli_error("nothing new was published: the content is that of version %" PRIu64 " of layer %s",
			  version.number, p->layer);
	if (exit_code == 0)
		exit_code = lambda_layer_print(host, p->layer, &version);
	lambda_layer_done(&version);
	return exit_code;
}

static int publish(const struct lambda_host *host, const struct publication *p)
{
	struct lambda_target target;
	char file[ARN_LAMBDA_NAME_SIZE + 32]; /* another than that of who publishes at the same time */
	int to = -1;
	lambda_target_layer(p->layer, &target);
	(void)snprintf(file, sizeof(file), "%s.%ld.zip", p->layer, (long)getpid());
	int r = lambda_target_open(host, &target, file, &to);
	if (r == 0)
		r = set_about(to, p);
	int exit_code = r < 0 ? cli_lambda_target_failed(host, &target, -r)
			      : cli_lambda_target_write(host, &target, p->zip_fd, &to);
	io_close(&to);
	return exit_code == 0 ? answer(host, &target, file, p) : exit_code;
}

static int run_publish(int argc, char **argv)
{
	struct publication p = {.command = &cli_lambda_layer_commands[PUBLISH], .zip_fd = -1};
	const char *layer = NULL, *zip = NULL;
	const struct cli_option options[] = {
		{.name = "layer-name", .kind = CLI_TEXT, .required = true, .ret_text = &layer},
		{.name = "zip-file", .kind = CLI_TEXT, .required = true, .ret_text = &zip},
		{.name = "description", .kind = CLI_TEXT, .ret_text = &p.description},
		{.name = "license-info", .kind = CLI_TEXT, .ret_text = &p.license},
		{.name = "compatible-runtimes", .kind = CLI_LIST, .ret_list = &p.runtimes},
		{.name = "compatible-architectures", .kind = CLI_LIST, .ret_list = &p.architectures},
		{.name = "content", .refuse = LAMBDA_FROM_S3},
	};
	struct lambda_host host = {0};
	int exit_code;
	if (!cli_lambda_begin(p.command, "PublishLayerVersion", options, ARRAY_SIZE(options), argc, argv, &host,
			      &exit_code))
		return exit_code;
	exit_code = lambda_open_zip(p.command, zip, &p.zip_fd);
	if (exit_code == 0)
		exit_code = cli_lambda_layer_name(&host, layer, p.layer);
	if (exit_code == 0)
		exit_code = take_about(&host, &p);
	if (exit_code == 0)
		exit_code = make_slot(&host, &p);
	if (exit_code == 0)
		exit_code = publish(&host, &p);
	if (exit_code != 0)
		take_back(&host, &p);
	for (size_t i = 0; i < ARRAY_SIZE(p.about); i++)
		free(p.about[i]);
	io_close(&p.zip_fd);
	lambda_host_done(&host);
	return exit_code;
}

/* ---- deleting ---- */

static int remove_version(const struct lambda_host *host, const char *layer, uint64_t number)
{
	char file[LAMBDA_VERSION_FILE_SIZE];
	struct lambda_target target;
	lambda_target_layer(layer, &target);
	int slot = lambda_open_below(host, target.slot);
	int r = slot < 0 ? slot : unlinkat(slot, lambda_version_file(number, file), 0) < 0 ? -errno : 0;
	io_close(&slot);
	if (r == 0)
		return 0;
	if (r == -ENOENT) { /* no error with AWS either */
		cli_error("there is no version %" PRIu64 " of layer %s; nothing was removed", number, layer);
		return 0;
	}
	bool denied = r == -EACCES || r == -EPERM;
	return cli_lambda_fail(host->operation, denied ? "AccessDeniedException" : "ServiceException",
			       "version %" PRIu64 " of layer %s was not removed: %s%s", number, layer, strerror(-r),
			       denied ? "; owner, group and mode of its [layer] section say who may" : "");
}

static int run_delete(int argc, char **argv)
{
	const struct cli_command *command = &cli_lambda_layer_commands[DELETE];
	const char *layer_text = NULL, *number_text = NULL;
	const struct cli_option options[] = {
		{.name = "layer-name", .kind = CLI_TEXT, .required = true, .ret_text = &layer_text},
		{.name = "version-number", .kind = CLI_TEXT, .required = true, .ret_text = &number_text},
	};
	struct lambda_host host = {0};
	char layer[ARN_LAMBDA_NAME_SIZE];
	uint64_t number;
	int exit_code;
	if (!cli_lambda_begin(command, "DeleteLayerVersion", options, ARRAY_SIZE(options), argc, argv, &host,
			      &exit_code))
		return exit_code;
	exit_code = lambda_version_number(command, number_text, &number);
	if (exit_code == 0)
		exit_code = cli_lambda_layer_name(&host, layer_text, layer);
	if (exit_code == 0)
		exit_code = remove_version(&host, layer, number);
	lambda_host_done(&host);
	return exit_code;
}
