/* Where `vouchfs init` puts things: for a host below /etc and /var, for a user in his home, with -c beside that file.
 */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "config/config.h"
#include "init.h"

#define STORE_OF_HOST	   "/var/lib/vouchfs"
#define MOUNTPOINT_OF_HOST "/srv/functions"

static char *join(const char *directory, const char *rest)
{
	char *path;
	return asprintf(&path, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, rest) < 0 ? NULL : path;
}

static char *absolute(const char *path)
{
	if (path[0] == '/')
		return strdup(path);
	while (text_starts_with(path, "./"))
		path += 2;
	char *here = getcwd(NULL, 0), *result = here ? join(here, path) : NULL;
	free(here);
	return result;
}

/* An XDG base directory: from the environment where that is absolute, else below the home. */
static char *base_directory(const char *variable, const char *below_home)
{
	const char *given = getenv(variable), *home = getenv("HOME");
	if (given && given[0] == '/')
		return strdup(given);
	const struct passwd *user = home && home[0] == '/' ? NULL : getpwuid(geteuid());
	if (user)
		home = user->pw_dir;
	return home && home[0] == '/' ? join(home, below_home) : NULL;
}

static char *below_base(const char *variable, const char *below_home, const char *rest)
{
	char *base = base_directory(variable, below_home), *path = base ? join(base, rest) : NULL;
	free(base);
	return path;
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* /var/lib/vouchfs for vouchfs.conf, /var/lib/vouchfs-prod for another prod.conf of this host. */
static char *store_of_host(const char *conf)
{
	const char *name = strrchr(conf, '/') + 1;
	size_t len = strlen(name);
	char *path = NULL;
	if (strcmp(conf, CONFIG_DEFAULT_PATH) == 0)
		return strdup(STORE_OF_HOST);
	if (text_ends_with(name, ".conf"))
		len -= strlen(".conf");
	return asprintf(&path, STORE_OF_HOST "-%.*s", (int)len, name) < 0 ? NULL : path;
}

char *init_default_conf(void)
{
	if (geteuid() == 0)
		return strdup(CONFIG_DEFAULT_PATH);
	return below_base("XDG_CONFIG_HOME", ".config", "vouchfs/vouchfs.conf");
}

static void find_rest(struct init_places *places, bool is_given)
{
	const char *directory = places->directory;
	places->conf_d = join(directory, CONFIG_CONF_D);
	places->trust = join(directory, "trust");
	if (places->is_system)
		places->store = store_of_host(places->conf);
	else if (is_given)
		places->store = join(directory, "store");
	else
		places->store = below_base("XDG_STATE_HOME", ".local/state", "vouchfs");
	if (places->mountpoint)
		return;
	if (places->is_system)
		places->mountpoint = strdup(MOUNTPOINT_OF_HOST);
	else if (is_given)
		places->mountpoint = join(directory, "mnt");
	else
		places->mountpoint = below_base("HOME", "", "functions");
}

/* A newline would end the line that the name is written in, and begin one that somebody else has chosen. */
static bool has_controls(const char *path)
{
	for (; *path; path++)
		if ((unsigned char)*path < 0x20 || *path == 0x7f)
			return true;
	return false;
}

int init_places_find(const char *given, const char *mountpoint, struct init_places *ret, struct explain *ret_why)
{
	struct init_places places = {0};
	const char *variable = getenv("VOUCHFS_CONF");
	bool has_variable = variable && *variable;
	const char *named = given ? given : has_variable ? variable : NULL;
	int r = -EINVAL;
	explain_set(ret_why, "there is no home directory to put a configuration in; name a file with -c");
	places.conf = named ? absolute(named) : init_default_conf();
	if (!places.conf)
		goto out;
	if (has_controls(places.conf) || (mountpoint && has_controls(mountpoint))) {
		explain_set(ret_why, "the name of the configuration, or of the mountpoint, has control characters, "
				     "which cannot stand in a configuration; choose another");
		goto out;
	}
	places.directory = directory_of(places.conf);
	places.is_system = geteuid() == 0 && text_starts_with(places.conf, "/etc/");
	places.mountpoint = mountpoint ? absolute(mountpoint) : NULL;
	places.is_found = strcmp(places.conf, has_variable ? variable : CONFIG_DEFAULT_PATH) == 0;
	places.has_settings = access(places.conf, F_OK) == 0;
	if (!places.directory || (mountpoint && !places.mountpoint))
		goto out;
	find_rest(&places, named != NULL);
	if (!places.conf_d || !places.trust || !places.store || !places.mountpoint)
		goto out;
	*ret = places;
	places = (struct init_places){0};
	r = 0;
out:
	init_places_done(&places);
	return r;
}

void init_places_done(struct init_places *places)
{
	free(places->conf);
	free(places->directory);
	free(places->conf_d);
	free(places->trust);
	free(places->store);
	free(places->mountpoint);
}
