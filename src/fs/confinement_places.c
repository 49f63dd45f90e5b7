/*
 * Which places the daemon keeps. Rules are about directories wherever a file may be replaced by another one of its
 * name: what is renamed to a name is another file to Landlock. Who may read what there is still for the files' modes to
 * say.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "config/config.h"
#include "confinement.h"
#include "signing/signing.h"

#define CHANGE (CONFINE_READ | CONFINE_WRITE | CONFINE_MAKE)

/* What the C library reads after the start: users, groups, their modules, zones, processors; and who calls. */
static const struct confine_place always[] = {
	{"/proc", CONFINE_READ},
	{"/dev/null", CONFINE_READ | CONFINE_WRITE},
	{"/dev/urandom", CONFINE_READ},
	{"/sys/devices/system/cpu", CONFINE_READ},
	{"/usr/lib", CONFINE_READ},
	{"/usr/lib64", CONFINE_READ},
	{"/usr/local/lib", CONFINE_READ},
	{"/usr/share/zoneinfo", CONFINE_READ},
	{"/run/systemd/userdb", CONFINE_READ},
	{"/run/userdb", CONFINE_READ},
	{"/var/lib/sss/mc", CONFINE_READ},
	{"/var/lib/sss/pipes", CONFINE_READ},
};

/* Whoever adds a user replaces /etc/passwd, so it is the directory for all who cannot read its secrets anyway. */
static const struct confine_place of_users[] = {{"/etc", CONFINE_READ}};
/* The owner of these secrets keeps the files that are there, and is mounted anew after a user was added. */
static const struct confine_place of_root[] = {
	{"/etc/passwd", CONFINE_READ},	    {"/etc/group", CONFINE_READ},     {"/etc/nsswitch.conf", CONFINE_READ},
	{"/etc/ld.so.cache", CONFINE_READ}, {"/etc/localtime", CONFINE_READ}, {"/etc/ssl/openssl.cnf", CONFINE_READ},
	{"/etc/userdb", CONFINE_READ},	    {"/etc/hosts", CONFINE_READ},     {"/etc/resolv.conf", CONFINE_READ},
};

/* ---- collecting ---- */

void confinement_places_done(struct confinement_places *places)
{
	for (size_t i = 0; i < places->count; i++)
		free((char *)places->all[i].path);
	free(places->all);
	*places = (struct confinement_places){0};
}

void confinement_add(struct confinement_places *places, unsigned uses, const char *path)
{
	for (size_t i = 0; i < places->count; i++)
		if (strcmp(places->all[i].path, path) == 0) {
			places->all[i].uses |= uses;
			return;
		}
	struct confine_place *more = reallocarray(places->all, places->count + 1, sizeof(*more));
	if (more)
		places->all = more;
	char *copy = more ? strdup(path) : NULL;
	if (copy)
		places->all[places->count++] = (struct confine_place){copy, uses};
	else
		places->failed = true;
}

static void add_parent(struct confinement_places *places, unsigned uses, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : NULL;
	if (directory)
		confinement_add(places, uses, directory);
	else
		places->failed = true;
	free(directory);
}

void confinement_add_around(struct confinement_places *places, unsigned uses, const char *path)
{
	char *real = realpath(path, NULL);
	add_parent(places, uses, path);
	if (real)
		add_parent(places, uses, real);
	free(real);
}

static void add_all(struct confinement_places *places, const struct confine_place *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		confinement_add(places, all[i].uses, all[i].path);
}

/* Where a build writes down which of its lines were run, and the like. */
static const char *test_place(void)
{
#ifdef VOUCHFS_TEST_HOOKS
	return getenv("VOUCHFS_TEST_PLACE");
#else
	return NULL;
#endif
}

static void add_common(struct confinement_places *places)
{
	add_all(places, always, ARRAY_SIZE(always));
	if (geteuid() == 0)
		add_all(places, of_root, ARRAY_SIZE(of_root));
	else
		add_all(places, of_users, ARRAY_SIZE(of_users));
	if (clock_test_file())
		confinement_add_around(places, CONFINE_READ, clock_test_file());
	if (test_place())
		confinement_add(places, CHANGE | CONFINE_DIRS, test_place());
}

/* ---- a deployment ---- */

/* Configuration management likes links. */
static void add_drop_ins(struct confinement_places *places, const char *config_path)
{
	char directory[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct io_names names = {0};
	int len = snprintf(directory, sizeof(directory), "%.*s/" CONFIG_CONF_D,
			   (int)(strrchr(config_path, '/') - config_path), config_path);
	if (len < 0 || (size_t)len >= sizeof(directory))
		return;
	int fd = io_open_dir(directory);
	if (fd < 0 || io_list_dir(fd, ".", &names) < 0)
		goto out;
	for (size_t i = 0; i < names.count; i++) {
		if (!text_ends_with(names.names[i], ".conf"))
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", directory, names.names[i]);
		confinement_add_around(places, CONFINE_READ, path);
	}
out:
	io_names_done(&names);
	io_close(&fd);
}

static void add_named(struct confinement_places *places, const struct config *config)
{
	confinement_add(places, CHANGE | CONFINE_DIRS, config->store);
	if (config->anchor)
		confinement_add_around(places, CHANGE, config->anchor);
	if (config->metrics_textfile)
		confinement_add_around(places, CHANGE | CONFINE_DIRS, config->metrics_textfile);
	if (config->timestamp_authority)
		confinement_add_around(places, CONFINE_READ, config->timestamp_authority);
	for (size_t i = 0; i < config->account_count; i++) {
		confinement_add_around(places, CONFINE_READ, config->accounts[i].certificate);
		if (config->accounts[i].revocations)
			confinement_add_around(places, CONFINE_READ, config->accounts[i].revocations);
	}
}

void confinement_of_deployment(const char *config_path, struct confinement_places *places, bool *ret_is_required)
{
	struct config *config = NULL;
	struct buf errors = {0}; /* who opens the configuration next says them */
	add_common(places);
	confinement_add_around(places, CONFINE_READ, config_path);
	add_drop_ins(places, config_path);
	*ret_is_required = true;
	if (config_load(config_path, &config, &errors) == 0) {
		add_named(places, config);
		*ret_is_required = config->confine_required;
	}
	config_free(config);
	buf_done(&errors);
}

/* ---- a signing service ---- */

void confinement_of_signing(const char *home, struct confinement_places *places, bool *ret_is_loose)
{
	add_common(places);
	confinement_add(places, CHANGE | CONFINE_DIRS, home);
	*ret_is_loose = signing_uses_tokens(home);
}
