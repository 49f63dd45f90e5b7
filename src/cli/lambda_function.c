/* lambda create-function, update-function-code, delete-function: through the mount, as the calling user. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "lambda_write.h"

static int run_create(int argc, char **argv);
static int run_update(int argc, char **argv);
static int run_delete(int argc, char **argv);

enum { CREATE, UPDATE, DELETE };

const struct cli_command cli_lambda_function_commands[] = {
	[CREATE] = {.group = "lambda",
		    .name = "create-function",
		    .summary = "make a function and deploy its first ZIP",
		    .usage =
			    "Examples:\n"
			    "  vouchfs lambda create-function --function-name signed-main-function \\\n"
			    "      --runtime python3.11 --handler lambda_function.lambda_handler \\\n"
			    "      --zip-file fileb://signed-main-function.zip\n\n"
			    "The most specific [function] section decides which code-signing config the function has;\n"
			    "without one nothing is made. The same as mkdir and cp: the mount judges the ZIP, and when "
			    "it\n"
			    "is refused nothing is left.\n\n"
			    "Options:\n"
			    "      --function-name F          its name or its ARN (required)\n"
			    "      --zip-file fileb://PATH    the artifact (required)\n"
			    "      --layers ARN...            layer versions, or NAME:VERSION, the lowest first\n"
			    "      --code-signing-config-arn ARN   or its name; another than the section's only for "
			    "those\n"
			    "                                 who may write conf.d\n"
			    "      --publish                  answer with the release's number as Version\n"
			    "      --runtime, --handler, --role, --description, --timeout, --memory-size,\n"
			    "      --architectures, --package-type Zip\n"
			    "                                 taken and not kept: who runs the code knows "
			    "them\n" CLI_LAMBDA_OPTIONS,
		    .run = run_create},
	[UPDATE] = {.group = "lambda",
		    .name = "update-function-code",
		    .summary = "deploy a ZIP to a function",
		    .usage = "Examples:\n"
			     "  vouchfs lambda update-function-code --function-name main-function \\\n"
			     "      --zip-file fileb://signed.zip\n"
			     "  vouchfs lambda update-function-code --function-name main-function --dry-run \\\n"
			     "      --zip-file fileb://signed.zip\n\n"
			     "The same as cp into functions/F/: when the ZIP is refused, the release before is still "
			     "served.\n\n"
			     "Options:\n"
			     "      --function-name F          its name or its ARN (required)\n"
			     "      --zip-file fileb://PATH    the artifact (required)\n"
			     "      --dry-run                  judge it, and deploy nothing\n"
			     "      --publish                  answer with the release's number as Version\n"
			     "      --architectures            taken and not kept\n" CLI_LAMBDA_OPTIONS,
		    .run = run_update},
	[DELETE] =
		{.group = "lambda",
		 .name = "delete-function",
		 .summary = "undeploy a function and take its slot away",
		 .usage = "Examples:\n"
			  "  vouchfs lambda delete-function --function-name team-a-worker\n\n"
			  "For functions that go by a pattern. One with a section of its own goes with that section;\n"
			  "a section that was written by hand is named, and not changed.\n\n"
			  "Options:\n"
			  "      --function-name F   its name or its ARN (required)\n" CLI_LAMBDA_OPTIONS,
		 .run = run_delete},
	{.name = NULL},
};

static int open_for_zip(const struct cli_command *command, const char *operation, const struct cli_lambda *common,
			const char *zip, int *ret_zip, struct lambda_host *host)
{
	int exit_code = lambda_open_zip(command, zip, ret_zip);
	if (exit_code == 0)
		exit_code = cli_lambda_open(operation, common, host);
	return exit_code == 0 ? cli_lambda_need_mount(host) : exit_code;
}

/* Takes the artifact's name away; staging stays, and stops the removal. */
static int unlink_artifacts(int slot_fd)
{
	struct io_names names = {0};
	int r = io_list_dir(slot_fd, ".", &names);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		if (unlinkat(slot_fd, names.names[i], 0) < 0)
			r = -errno;
	io_names_done(&names);
	return r;
}

/* A slot that was bound before anybody made it is made first: only what was made can be removed. */
static int remove_slot(const struct lambda_host *host, const char *function)
{
	struct lambda_release release = {0};
	int slots = lambda_open_below(host, "functions"), slot = -1;
	int r = slots < 0 ? slots : 0;
	if (r == 0)
		r = slot = io_open_dirat(slots, function);
	if (slot == -ENOENT) {
		r = lambda_release_read(host, function, &release);
		if (r == 0)
			lambda_release_done(&release);
		if (r == 0)
			r = mkdirat(slots, function, 0775) < 0 ? -errno : 0;
		if (r == 0)
			r = slot = io_open_dirat(slots, function);
	}
	if (r >= 0)
		r = unlink_artifacts(slot);
	if (r == 0)
		r = unlinkat(slots, function, AT_REMOVEDIR) < 0 ? -errno : 0;
	io_close(&slot);
	io_close(&slots);
	return r;
}

/* ---- create ---- */

struct creation {
	const struct cli_command *command;
	const char *function;
	const char *config_name; /* NULL: what the section says */
	struct cli_list layers;
	bool published;
	int zip_fd;
	int slots_fd;
	bool made_slot;
	bool list_waits;	  /* for the artifact */
	struct config_edit *edit; /* when the function was bound to another config */
};

static int no_section(const struct lambda_host *host, const char *function)
{
	return cli_lambda_fail(
		host->operation, "InvalidParameterValueException",
		"no [function] section is for %s, so no code-signing config says whose signatures count: "
		"declare [function %s], or a pattern it falls under, in %s",
		function, function, host->path);
}

/* mkdir, where a pattern allows it to the caller. */
static int make_slot(const struct lambda_host *host, struct creation *c, const struct config_slot *section)
{
	if (!section->is_pattern)
		return 0;
	if (mkdirat(c->slots_fd, c->function, 0775) == 0) {
		c->made_slot = true;
		return 0;
	}
	int error = errno;
	if (error == EEXIST)
		return 0;
	return cli_lambda_fail(host->operation, error == EACCES ? "AccessDeniedException" : "ServiceException",
			       "function %s cannot be made: %s; [function %s] at %s:%u says by owner and group who may",
			       c->function, strerror(error), section->name, section->origin.file, section->origin.line);
}

/* Another config than the section's: the business of those who may write the configuration. */
static int rebind(const struct lambda_host *host, struct creation *c, const struct config_slot *section)
{
	char arn[ARN_TEXT_SIZE];
	const char *bound = section->code_signing ? section->code_signing->name : CONFIG_NONE;
	if (!c->config_name || strcmp(c->config_name, bound) == 0)
		return 0;
	if (!config_find_code_signing(host->config, c->config_name)) {
		lambda_config_arn(host->config, c->config_name, arn);
		return cli_lambda_fail(host->operation, "CodeSigningConfigNotFoundException",
				       "The code-signing config cannot be found: %s", arn);
	}
	int exit_code = cli_lambda_edit(host, &c->edit);
	if (exit_code == 0)
		return cli_lambda_bind(host, c->edit, c->command->name, c->function, c->config_name);
	cli_error("[function %s] at %s:%u gives %s the code-signing config %s; leave out --code-signing-config-arn, or "
		  "name that one",
		  section->name, section->origin.file, section->origin.line, c->function, bound);
	return exit_code;
}

/* Nothing of a function that was refused is left. */
static void take_back(const struct lambda_host *host, struct creation *c)
{
	if (c->edit)
		cli_lambda_take_back(host, c->edit);
	if (c->made_slot)
		(void)remove_slot(host, c->function);
	else if (c->list_waits)
		(void)lambda_attach(host, c->function, &(struct cli_list){0});
}

/* The list comes first: it waits for the artifact, which is judged with it, so that all is deployed or nothing. */
static int deploy(const struct lambda_host *host, struct creation *c)
{
	if (c->layers.count > 0) {
		int exit_code = lambda_attach(host, c->function, &c->layers);
		if (exit_code != 0)
			return exit_code;
		c->list_waits = true;
	}
	return lambda_deploy(host, c->function, c->zip_fd);
}

static int create(const struct lambda_host *host, struct creation *c)
{
	struct lambda_release there = {0};
	const struct config_slot *section = config_find_function(host->config, c->function);
	if (!section)
		return no_section(host, c->function);
	if (lambda_release_read(host, c->function, &there) == 0) {
		lambda_release_done(&there);
		return cli_lambda_fail(host->operation, "ResourceConflictException",
				       "Function already exists: %s; update-function-code deploys to it", c->function);
	}
	c->slots_fd = lambda_open_below(host, "functions");
	if (c->slots_fd < 0)
		return cli_lambda_fail(host->operation, "ServiceException", "%s/functions: %s", host->mountpoint,
				       strerror(-c->slots_fd));
	int exit_code = make_slot(host, c, section);
	if (exit_code == 0)
		exit_code = rebind(host, c, section);
	if (exit_code == 0)
		exit_code = deploy(host, c);
	if (exit_code != 0)
		take_back(host, c);
	return exit_code == 0 ? lambda_print_function(host, c->function, c->published) : exit_code;
}

/* What AWS takes besides; of those without a variable the value goes nowhere. */
struct unused {
	struct lambda_unkept unkept;
	const char *package;
	struct cli_list architectures;
	bool no_publish;
};

static int parse_create(int *argc, char **argv, struct creation *c, const char **ret_function, const char **ret_zip,
			const char **ret_config, struct cli_lambda *common, bool *ret_done)
{
	struct unused unused = {.package = "Zip"};
	const struct cli_option options[] = {
		{.name = "function-name", .kind = CLI_TEXT, .required = true, .ret_text = ret_function},
		{.name = "zip-file", .kind = CLI_TEXT, .required = true, .ret_text = ret_zip},
		{.name = "code-signing-config-arn", .kind = CLI_TEXT, .ret_text = ret_config},
		{.name = "layers", .kind = CLI_LIST, .may_be_empty = true, .ret_list = &c->layers},
		{.name = "publish", .kind = CLI_FLAG, .ret_flag = &c->published},
		{.name = "no-publish", .kind = CLI_FLAG, .ret_flag = &unused.no_publish},
		LAMBDA_UNKEPT_OPTIONS(unused.unkept),
		{.name = "architectures", .kind = CLI_LIST, .ret_list = &unused.architectures},
		{.name = "package-type", .kind = CLI_TEXT, .ret_text = &unused.package},
		{.name = "code", .refuse = LAMBDA_FROM_S3},
		{.name = "image-uri", .refuse = LAMBDA_NO_IMAGES},
		{.name = "s3-bucket", .refuse = LAMBDA_FROM_S3},
		{.name = "tags", .refuse = "functions have no tags"},
		LAMBDA_RUNTIME_OPTIONS,
	};
	int exit_code = cli_lambda_parse(c->command, options, ARRAY_SIZE(options), argc, argv, common, ret_done);
	if (exit_code == 0 && strcmp(unused.package, "Zip") != 0)
		return cli_usage_error(c->command, "--package-type is Zip: " LAMBDA_NO_IMAGES);
	if (exit_code == 0 && c->published && unused.no_publish)
		return cli_usage_error(c->command, "--publish and --no-publish exclude each other");
	return exit_code;
}

static int run_create(int argc, char **argv)
{
	struct creation c = {.command = &cli_lambda_function_commands[CREATE], .zip_fd = -1, .slots_fd = -1};
	const char *function_text = NULL, *zip = NULL, *config_arn = NULL;
	char function[ARN_LAMBDA_NAME_SIZE], config_name[ARN_LAMBDA_NAME_SIZE];
	struct cli_lambda common = {0};
	struct lambda_host host = {0};
	bool done;
	int exit_code = parse_create(&argc, argv, &c, &function_text, &zip, &config_arn, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	exit_code = open_for_zip(c.command, "CreateFunction", &common, zip, &c.zip_fd, &host);
	if (exit_code == 0)
		exit_code = cli_lambda_function_name(&host, function_text, function);
	if (exit_code == 0 && config_arn)
		exit_code = cli_lambda_config_name(&host, config_arn, config_name);
	c.function = function;
	c.config_name = config_arn ? config_name : NULL;
	if (exit_code == 0)
		exit_code = create(&host, &c);
	config_edit_close(c.edit);
	io_close(&c.slots_fd);
	io_close(&c.zip_fd);
	lambda_host_done(&host);
	return exit_code;
}

/* ---- update ---- */

static int run_update(int argc, char **argv)
{
	const struct cli_command *command = &cli_lambda_function_commands[UPDATE];
	const char *function_text = NULL, *zip = NULL;
	bool dry_run = false, no_dry_run = false, publish = false, no_publish = false, done;
	struct cli_list architectures;
	const struct cli_option options[] = {
		{.name = "function-name", .kind = CLI_TEXT, .required = true, .ret_text = &function_text},
		{.name = "zip-file", .kind = CLI_TEXT, .required = true, .ret_text = &zip},
		{.name = "dry-run", .kind = CLI_FLAG, .ret_flag = &dry_run},
		{.name = "no-dry-run", .kind = CLI_FLAG, .ret_flag = &no_dry_run},
		{.name = "publish", .kind = CLI_FLAG, .ret_flag = &publish},
		{.name = "no-publish", .kind = CLI_FLAG, .ret_flag = &no_publish},
		{.name = "architectures", .kind = CLI_LIST, .ret_list = &architectures},
		{.name = "s3-bucket", .refuse = LAMBDA_FROM_S3},
		{.name = "s3-key", .refuse = LAMBDA_FROM_S3},
		{.name = "s3-object-version", .refuse = LAMBDA_FROM_S3},
		{.name = "image-uri", .refuse = LAMBDA_NO_IMAGES},
		{.name = "qualifier", .refuse = "what is deployed is always the function's next release"},
		{.name = "revision-id", .refuse = "functions have no revision ids; the last deployment stands"},
		{.name = "source-kms-key-arn", .refuse = "nothing is encrypted; the ZIP is read as it is"},
	};
	struct cli_lambda common = {0};
	struct lambda_host host = {0};
	char function[ARN_LAMBDA_NAME_SIZE];
	int zip_fd = -1;
	int exit_code = cli_lambda_parse(command, options, ARRAY_SIZE(options), &argc, argv, &common, &done);
	if (exit_code != 0 || done)
		return exit_code;
	if (dry_run && no_dry_run)
		return cli_usage_error(command, "--dry-run and --no-dry-run exclude each other");
	if (publish && no_publish)
		return cli_usage_error(command, "--publish and --no-publish exclude each other");
	exit_code = open_for_zip(command, "UpdateFunctionCode", &common, zip, &zip_fd, &host);
	if (exit_code == 0)
		exit_code = cli_lambda_function_name(&host, function_text, function);
	if (exit_code == 0 && !config_find_function(host.config, function))
		exit_code = cli_lambda_release_failed(&host, function, -ENOENT);
	if (exit_code == 0 && dry_run)
		exit_code = lambda_dry_run(&host, function, zip_fd);
	else if (exit_code == 0) {
		exit_code = lambda_deploy(&host, function, zip_fd);
		if (exit_code == 0)
			exit_code = lambda_print_function(&host, function, publish);
	}
	io_close(&zip_fd);
	lambda_host_done(&host);
	return exit_code;
}

/* ---- delete ---- */

static int declared_by_hand(const struct lambda_host *host, const char *function, const struct config_slot *section)
{
	return cli_lambda_fail(
		host->operation, "ResourceConflictException",
		"function %s is declared by name, so its slot stays: take [function %s] out at %s:%u, where "
		"a pattern is for it too, then `vouchfs reload`",
		function, function, section->origin.file, section->origin.line);
}

/* The section that a command has written goes, so that the function goes by its pattern again. */
static int unbind(const struct lambda_host *host, const char *function, struct config_edit **ret)
{
	char section_text[LAMBDA_SECTION_SIZE];
	int exit_code = cli_lambda_edit(host, ret);
	if (exit_code != 0)
		return exit_code;
	const struct config *config = config_edit_config(*ret);
	const struct config_slot *section = config_find_function(config, function);
	if (!section || section->is_pattern)
		return 0;
	exit_code = cli_lambda_may_say(host, lambda_section("function", function, section_text));
	if (exit_code != 0)
		return exit_code;
	if (!config_edit_is_ours(*ret, section_text, &section->origin))
		return declared_by_hand(host, function, section);
	exit_code = cli_lambda_remove(host, *ret, section_text);
	if (exit_code != 0 || config_find_function(config_edit_config(*ret), function))
		return exit_code;
	return cli_lambda_fail(
		host->operation, "ResourceConflictException",
		"function %s cannot be undeployed: no pattern is for it, so its slot cannot be taken away; "
		"declare one in %s",
		function, host->path);
}

static int not_removed(const struct lambda_host *host, const char *function, int r)
{
	char arn[ARN_TEXT_SIZE];
	lambda_function_arn(host->config, function, arn);
	if (r == -ENOENT)
		return cli_lambda_fail(host->operation, "ResourceNotFoundException", "Function not found: %s", arn);
	if (r == -EACCES || r == -EPERM)
		return cli_lambda_fail(host->operation, "AccessDeniedException",
				       "function %s cannot be taken away: %s; whoever has made it may do that",
				       function, strerror(-r));
	if (r == -ENOTEMPTY || r == -EBUSY)
		return cli_lambda_fail(
			host->operation, "ResourceConflictException",
			"function %s is being deployed to: there are files in staging in its slot; try again "
			"when that is over, or remove them",
			function);
	return cli_lambda_fail(host->operation, "ServiceException", "function %s: %s", function, strerror(-r));
}

static int undeploy(const struct lambda_host *host, const char *function)
{
	struct config_edit *edit = NULL;
	const struct config_slot *section = config_find_function(host->config, function);
	bool has_own = section && !section->is_pattern;
	int exit_code = has_own ? unbind(host, function, &edit) : 0;
	if (exit_code == 0) {
		int r = section ? remove_slot(host, function) : -ENOENT;
		exit_code = r < 0 ? not_removed(host, function, r) : 0;
	}
	if (exit_code != 0 && edit)
		cli_lambda_take_back(host, edit);
	config_edit_close(edit);
	return exit_code;
}

static int run_delete(int argc, char **argv)
{
	const char *function_text = NULL;
	const struct cli_option options[] = {
		{.name = "function-name", .kind = CLI_TEXT, .required = true, .ret_text = &function_text},
		{.name = "qualifier", .refuse = "old releases go by themselves, see keep_releases in vouchfs.conf(5)"},
	};
	struct lambda_host host = {0};
	char function[ARN_LAMBDA_NAME_SIZE];
	int exit_code;
	if (!cli_lambda_begin(&cli_lambda_function_commands[DELETE], "DeleteFunction", options, ARRAY_SIZE(options),
			      argc, argv, &host, &exit_code))
		return exit_code;
	exit_code = cli_lambda_function_name(&host, function_text, function);
	if (exit_code == 0)
		exit_code = undeploy(&host, function);
	lambda_host_done(&host);
	return exit_code;
}
