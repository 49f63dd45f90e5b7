#include "mount_helper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fs/mount.h"
#include "mount_options.h"

#define WORD_MAX 128

/*
 *     mount.vouchfs  CONF DIR [-fnsv] [-t TYPE] [-o OPTIONS]    -f: only as if, -s: unknown options are passed over
 *     umount.vouchfs DIR [-flnrv] [-t TYPE]                     -f: like -l
 */
struct call {
	const char *program; /* without directories */
	const char *letters; /* of options without a value */
	const char *usage;
	int operands_max;
	const char *operands[2];
	int operand_count;
	const char *options;
	char given[128]; /* letters that were given */
};

static int usage_error(const struct call *call, const char *what, const char *word)
{
	char shown[WORD_MAX];
	if (what)
		(void)fprintf(stderr, "%s: %s \"%s\"\n", call->program, what,
			      text_escape_print(shown, sizeof(shown), word, strlen(word)));
	(void)fputs(call->usage, stderr);
	return CLI_EXIT_USAGE;
}

static bool was_given(const struct call *call, char letter)
{
	return strchr(call->given, letter) != NULL;
}

static int take_letters(struct call *call, const char *word)
{
	for (const char *letter = word + 1; *letter; letter++) {
		size_t count = strlen(call->given);
		if (!strchr(call->letters, *letter) || count + 1 == sizeof(call->given))
			return usage_error(call, "there is no option", word);
		call->given[count] = *letter;
	}
	return word[1] ? CLI_EXIT_OK : usage_error(call, "there is no option", word);
}

static int read_call(struct call *call, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		bool takes_value = strcmp(word, "-o") == 0 || strcmp(word, "-t") == 0;
		if (takes_value && i + 1 == argc)
			return usage_error(call, "a value is missing after", word);
		if (takes_value && word[1] == 'o')
			call->options = argv[++i];
		else if (takes_value)
			i++;
		else if (strcmp(word, "-N") == 0)
			return usage_error(call, "other namespaces are entered with nsenter, not with", word);
		else if (word[0] == '-') {
			int code = take_letters(call, word);
			if (code != CLI_EXIT_OK)
				return code;
		} else if (call->operand_count == call->operands_max)
			return usage_error(call, "one argument too many:", word);
		else
			call->operands[call->operand_count++] = word;
	}
	return call->operand_count == call->operands_max ? CLI_EXIT_OK : usage_error(call, NULL, NULL);
}

/* ---- mount ---- */

/* An fstab line without a configuration of its own has "none" or "vouchfs" in its place. */
static bool names_config(const char *source)
{
	return strcmp(source, "none") != 0 && strcmp(source, "vouchfs") != 0;
}

static int mount_as_called(const struct cli_command *mount, const struct call *call)
{
	char *options = NULL;
	if (asprintf(&options, "%s%s", was_given(call, 's') ? "sloppy," : "", call->options ? call->options : "") < 0) {
		cli_error("out of memory");
		return CLI_EXIT_FAILURE;
	}
	const char *words[8];
	int count = 0;
	words[count++] = mount->name;
	if (names_config(call->operands[0])) {
		words[count++] = "-c";
		words[count++] = call->operands[0];
	}
	if (options[0]) {
		words[count++] = "-o";
		words[count++] = options;
	}
	words[count++] = "--";
	words[count++] = call->operands[1];
	words[count] = NULL;
	int code = mount->run(count, (char **)words);
	free(options);
	return code;
}

static int help_mount(const struct cli_command *mount, int argc, char **argv)
{
	struct call call = {
		.program = "mount.vouchfs",
		.letters = "fnsv",
		.usage = "usage: mount -t vouchfs [-o OPTIONS] CONF DIR\n"
			 "       mount.vouchfs CONF DIR [-fnsv] [-t TYPE] [-o OPTIONS]    as mount(8) calls it\n",
		.operands_max = 2,
	};
	int code = read_call(&call, argc, argv);
	if (code != CLI_EXIT_OK || was_given(&call, 'f'))
		return code;
	return mount_as_called(mount, &call);
}

/* ---- umount ---- */

static int help_umount(const struct cli_command *mount UNUSED, int argc, char **argv)
{
	struct call call = {
		.program = "umount.vouchfs",
		.letters = "flnrv",
		.usage = "usage: umount [-l] DIR\n"
			 "       umount.vouchfs DIR [-flnrv] [-t TYPE]    as umount(8) calls it\n",
		.operands_max = 1,
	};
	int code = read_call(&call, argc, argv);
	if (code != CLI_EXIT_OK)
		return code;

	char *mountpoint = NULL;
	if (mount_resolve(call.operands[0], &mountpoint) < 0)
		return CLI_EXIT_FAILURE;
	struct explain why = {0};
	int r = fs_unmount_side(mountpoint, was_given(&call, 'l') || was_given(&call, 'f'), &why);
	if (r < 0)
		cli_error("%s", why.text);
	free(mountpoint);
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}

/* ---- names ---- */

static const struct {
	const char *name;
	int (*run)(const struct cli_command *mount, int argc, char **argv);
} helpers[] = {
	{"mount.vouchfs", help_mount},
	{"mount.fuse.vouchfs", help_mount},
	{"umount.vouchfs", help_umount},
	{"umount.fuse.vouchfs", help_umount},
};

bool mount_helper_run(const struct cli_command *mount, int argc, char **argv, int *ret_code)
{
	if (argc < 1)
		return false;
	const char *slash = strrchr(argv[0], '/');
	for (size_t i = 0; i < ARRAY_SIZE(helpers); i++) {
		if (strcmp(slash ? slash + 1 : argv[0], helpers[i].name) != 0)
			continue;
		*ret_code = helpers[i].run(mount, argc, argv);
		return true;
	}
	return false;
}
