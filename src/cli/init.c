/*
 * init.c - `vouchfs init`: a configuration, directories and a store for a new host, and what to do next. Nothing that
 * is there is changed, so it may be run again, with the trust of one more signing host for example.
 */
#include "init.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/access.h"
#include "base/text.h"
#include "cli/cli.h"

#define SERVICE_USER	"vouchfs"
#define ACCOUNT_EXAMPLE "111122223333"
#define DIRECTORY_MODE	0755

static int run(int argc, char **argv);

const struct cli_command cli_init_commands[] = {
	{.name = "init",
	 .summary = "write a first configuration and store, and say what to do next",
	 .usage = "Examples:\n"
		  "  vouchfs init\n"
		  "  vouchfs init --trust ./trust\n"
		  "  vouchfs init -c ./vouchfs.conf --account 111122223333 --mode Warn\n\n"
		  "Makes what is missing of: the configuration with conf.d/ and trust/ beside it, the store, the\n"
		  "mountpoint. As root those of the host: /etc/vouchfs, /var/lib/vouchfs, /srv/functions; as a\n"
		  "user his own: $XDG_CONFIG_HOME/vouchfs, $XDG_STATE_HOME/vouchfs, ~/functions; with -c all\n"
		  "beside CONF. What is there stays as it is. Ends with the next steps, in their order.\n\n"
		  "Options:\n"
		  "      --trust DIR       what `vouchfs signer export-trust` wrote: is checked and copied, and its\n"
		  "                        accounts are trusted (conf.d/account-ID.conf)\n"
		  "      --account ID      of this host, 12 digits (default: that of DIR when it is one, else\n"
		  "                        " ACCOUNT_EXAMPLE ")\n"
		  "      --mode MODE       of the example: Enforce or Warn (default Enforce)\n"
		  "      --mountpoint DIR  where it will be mounted\n"
		  "  -c, --config CONF     the configuration to write (default: $VOUCHFS_CONF, else see above)\n\n"
		  "Exit codes: 0 all is there, 1 something could not be made or differs, 2 usage, 78 the\n"
		  "configuration that is there is faulty.\n",
	 .run = run},
	{.name = NULL},
};

struct init {
	struct init_places places;
	struct init_trust trust;
	const char *account; /* as given, or NULL */
	const char *mode;
	bool has_user; /* who serves is there; always so for a user's own */
};

/* ---- making ---- */

static int failed(const char *path, int r)
{
	char shown[512], words[ACCESS_WORDS_SIZE];
	(void)text_escape_print(shown, sizeof(shown), path, strlen(path));
	if (r == -EEXIST)
		cli_error("%s is there with another content, and was left as it is; move it away to have it written",
			  shown);
	else
		cli_error("%s cannot be made: %s", shown, access_words(path, r, words));
	return r;
}

static int make_directory(const char *path)
{
	bool made;
	int r = init_make_dir(path, DIRECTORY_MODE, NULL, &made);
	if (r < 0)
		return failed(path, r);
	init_tell(path, made);
	return 0;
}

static int make_file(const char *path, const struct buf *bytes)
{
	bool made;
	int r = init_make_file(path, bytes->data, bytes->len, &made);
	if (r < 0)
		return failed(path, r);
	init_tell(path, made);
	return 0;
}

static int make_named(const char *directory, const char *account, const char *suffix, const struct buf *bytes)
{
	char *path = NULL;
	if (bytes->len == 0)
		return 0;
	if (asprintf(&path, "%s/%s%s", directory, account, suffix) < 0)
		return -ENOMEM;
	int r = make_file(path, bytes);
	free(path);
	return r;
}

static const char *host_account(const struct init *init)
{
	if (init->account)
		return init->account;
	return init->trust.count == 1 ? init->trust.accounts[0].id : ACCOUNT_EXAMPLE;
}

static int make_config(const struct init *init)
{
	const struct init_settings settings = {
		.account = host_account(init),
		.mode = init->mode,
		.publisher = init->trust.count > 0 ? init->trust.accounts[0].id : host_account(init),
		.has_accounts = init->trust.count > 0,
	};
	if (init->places.has_settings) {
		init_tell(init->places.conf, false);
		return 0;
	}
	struct buf text = {0};
	int r = init_print_config(&init->places, &settings, &text);
	if (r == 0)
		r = make_file(init->places.conf, &text);
	buf_done(&text);
	return r;
}

static int make_section(const struct init *init, const char *account)
{
	struct buf text = {0};
	char *path = NULL;
	int r = init_print_account(account, &text);
	if (r == 0 && asprintf(&path, "%s/account-%s.conf", init->places.conf_d, account) < 0) {
		path = NULL;
		r = -ENOMEM;
	}
	if (r == 0)
		r = make_file(path, &text);
	free(path);
	buf_done(&text);
	return r;
}

/* One that the configuration trusts already has its section somewhere. */
static int make_account(const struct init *init, const struct config *config, const struct init_account *account)
{
	int certificate = make_named(init->places.trust, account->id, ".pem", &account->certificate);
	int list = make_named(init->places.trust, account->id, ".revocations", &account->revocations);
	int section = config_find_account(config, account->id) ? 0 : make_section(init, account->id);
	return certificate < 0 ? certificate : list < 0 ? list : section;
}

/* Where the configuration was there, its store is meant. */
static int make_store(const struct init *init, const struct config *config)
{
	bool made;
	if (!init->has_user)
		return 0;
	int r = init_make_store(config->store, geteuid() == 0 ? config->user : NULL, &made);
	if (r == 0)
		init_tell(config->store, made);
	return r;
}

/* ---- in order; what is returned are exit codes ---- */

static int load(const char *path, struct config **ret)
{
	struct config *config = NULL;
	struct buf errors = {0};
	int r = config_load(path, &config, &errors);
	if (r < 0)
		(void)fputs(errors.data ? errors.data : "vouchfs: out of memory\n", stderr);
	buf_done(&errors);
	if (r < 0)
		return CLI_EXIT_CONFIG;
	config_free(*ret);
	*ret = config;
	return CLI_EXIT_OK;
}

/* What is there already decides; what was asked for otherwise is not passed over in silence. */
static int check_account(const struct init *init, const struct config *config)
{
	if (!init->account || strcmp(init->account, config->account) == 0)
		return CLI_EXIT_OK;
	cli_error("%s is there already, with account = %s; --account %s would change it, so nothing was done",
		  init->places.conf, config->account, init->account);
	return CLI_EXIT_FAILURE;
}

static int make_config_and_directories(const struct init *init)
{
	const struct init_places *places = &init->places;
	int r = make_directory(places->directory);
	if (r == 0)
		r = make_config(init);
	if (r == 0)
		r = make_directory(places->conf_d);
	if (r == 0)
		r = make_directory(places->trust);
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}

static int make_accounts(const struct init *init, const struct config *config)
{
	int code = CLI_EXIT_OK;
	for (size_t i = 0; i < init->trust.count; i++)
		if (make_account(init, config, &init->trust.accounts[i]) < 0)
			code = CLI_EXIT_FAILURE;
	return code;
}

/* Each step needs the ones before; one account too few, or no store, is no reason not to say what to do next. */
static int make_all(struct init *init)
{
	struct config *config = NULL;
	int code = CLI_EXIT_OK;
	if (init->places.has_settings)
		code = load(init->places.conf, &config);
	if (code == CLI_EXIT_OK && config)
		code = check_account(init, config);
	if (code == CLI_EXIT_OK)
		code = make_config_and_directories(init);
	if (code == CLI_EXIT_OK)
		code = load(init->places.conf, &config);
	if (code != CLI_EXIT_OK)
		goto out;

	int accounts = make_accounts(init, config);
	code = load(init->places.conf, &config);
	if (code != CLI_EXIT_OK)
		goto out;
	init->has_user = geteuid() != 0 || !config->user || getpwnam(config->user);
	int stored = make_store(init, config), mountable = make_directory(init->places.mountpoint);
	init_print_steps(&init->places, config, init->has_user);
	code = accounts != CLI_EXIT_OK || stored < 0 || mountable < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
out:
	config_free(config);
	return code;
}

/* ---- the command ---- */

static int check_words(const struct cli_command *command, const struct init *init)
{
	char shown[64];
	if (init->account && !arn_is_account(init->account, strlen(init->account)))
		return cli_usage_error(command, "--account \"%s\": expected 12 digits, like " ACCOUNT_EXAMPLE,
				       text_escape_print(shown, sizeof(shown), init->account, strlen(init->account)));
	if (strcmp(init->mode, "Enforce") != 0 && strcmp(init->mode, "Warn") != 0)
		return cli_usage_error(command, "--mode \"%s\": expected Enforce or Warn",
				       text_escape_print(shown, sizeof(shown), init->mode, strlen(init->mode)));
	return CLI_EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct init init = {.mode = "Enforce"};
	const char *conf = NULL, *trust = NULL, *mountpoint = NULL;
	bool done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &conf},
		{.name = "account", .kind = CLI_TEXT, .ret_text = &init.account},
		{.name = "mode", .kind = CLI_TEXT, .ret_text = &init.mode},
		{.name = "trust", .kind = CLI_TEXT, .ret_text = &trust},
		{.name = "mountpoint", .kind = CLI_TEXT, .ret_text = &mountpoint},
	};
	const struct cli_command *command = &cli_init_commands[0];
	int code = cli_parse(command, table, ARRAY_SIZE(table), &argc, argv, 0, 0, &done);
	if (code == CLI_EXIT_OK && !done)
		code = check_words(command, &init);
	if (code != CLI_EXIT_OK || done)
		return code;

	struct explain why = {0};
	code = CLI_EXIT_FAILURE;
	if (init_places_find(conf, mountpoint, &init.places, &why) < 0)
		cli_error("%s", why.text);
	else if (!trust || init_trust_read(trust, &init.trust) == 0)
		code = make_all(&init);
	init_places_done(&init.places);
	init_trust_done(&init.trust);
	return code;
}
