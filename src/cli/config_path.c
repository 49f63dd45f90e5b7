/* Which configuration a command is about, and what is said where there is none. Declared in cli.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/access.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config/config.h"
#include "fs/mount.h"
#include "init.h"

const char *cli_config_path(const char *given)
{
	if (given)
		return given;
	const char *from_environment = getenv("VOUCHFS_CONF");
	return from_environment && *from_environment ? from_environment : CONFIG_DEFAULT_PATH;
}

/* A user's own is not looked for, so he is told of it. */
static bool say_own(const char *missing)
{
	char shown[512], *own = geteuid() == 0 ? NULL : init_default_conf();
	bool is_own = own && strcmp(missing, CONFIG_DEFAULT_PATH) == 0 && access(own, R_OK) == 0;
	if (is_own)
		cli_error("%s is not there; for yours say: export VOUCHFS_CONF=%s", missing,
			  text_escape_print(shown, sizeof(shown), own, strlen(own)));
	free(own);
	return is_own;
}

int cli_resolve_config(const char *given, char **ret)
{
	const char *path = cli_config_path(given);
	char words[ACCESS_WORDS_SIZE];
	char *resolved = NULL;
	int r = fs_resolve(path, &resolved);
	bool is_there = r == 0 && access(resolved, F_OK) == 0;
	if (!is_there && say_own(path)) {
		free(resolved);
		return -ENOENT;
	}
	if (r == 0) /* of a mount that lives on, the file may be gone */
		*ret = resolved;
	else
		cli_error("%s: %s; `vouchfs init` writes a first one, -c or VOUCHFS_CONF name another", path,
			  access_words(path, r, words));
	return r;
}
