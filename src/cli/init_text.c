/* What `vouchfs init` writes and says: the configuration with its comments, an account, the next steps. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fs/mount.h"
#include "init.h"

/* Prose begins with "# ", what is to be used by taking its first character away with ";". */
static const char head[] = "# vouchfs.conf - this host, as `vouchfs init` wrote it. vouchfs.conf(5) has every key,\n"
			   "# `vouchfs check-config` checks this file, `vouchfs reload` makes a mount read it again.\n"
			   "#\n"
			   "# Files of conf.d/ beside it are read after it, in the order of their names. They and\n"
			   "# this belong to root, or to whoever starts vouchfs, and nobody else may write them.\n"
			   "# Lines that begin with ; are examples: take the ; away and change what follows.\n"
			   "\n"
			   "[vouchfs]\n";

static int print_host(const struct init_places *places, const struct init_settings *settings, struct buf *ret)
{
	int r = buf_printf(ret,
			   "%s"
			   "# This host's own account, 12 digits: a part of the names (ARNs) that it gives.\n"
			   "account = %s\n"
			   "# Artifacts and their history, private to whoever serves.\n"
			   "store = %s\n",
			   head, settings->account, places->store);
	if (r == 0 && places->is_system)
		r = buf_puts(ret, "# Who serves when root starts it, without any privileges.\n"
				  "user = vouchfs\n"
				  "# A file outside the store that notices a store which was set back; in a directory\n"
				  "# that this user may write.\n"
				  ";anchor = /var/lib/vouchfs-anchor/generation\n");
	return r < 0 ? r
		     : buf_puts(ret, "# Releases of a function that are kept for a rollback.\n"
				     ";keep_releases = 3\n\n");
}

static int print_accounts(const struct init_settings *settings, struct buf *ret)
{
	if (settings->has_accounts)
		return buf_puts(
			ret,
			"# Accounts of signing hosts whose certificates are trusted stand in\n"
			"# conf.d/account-*.conf, their files in trust/; `vouchfs init --trust DIR` adds more.\n\n");
	return buf_printf(ret,
			  "# Accounts of signing hosts whose certificates are trusted. `vouchfs signer export-trust`\n"
			  "# writes both files there, `vouchfs init --trust DIR` brings them here and this section\n"
			  "# into conf.d/.\n"
			  ";[account %s]\n"
			  ";certificate = trust/%s.pem\n"
			  ";revocations = trust/%s.revocations\n\n",
			  settings->publisher, settings->publisher, settings->publisher);
}

static int print_slots(const struct init_settings *settings, struct buf *ret)
{
	return buf_printf(ret,
			  "# Whose signatures count, by signing profile, and what happens to all else: Enforce\n"
			  "# refuses it, Warn takes it and says so.\n"
			  ";[code-signing-config approved]\n"
			  ";allowed_publisher = arn:vouchfs:signer:local:%s:/signing-profiles/release\n"
			  ";untrusted_artifact_on_deployment = %s\n"
			  "# The same for what is served already, when it is read: Ignore, Warn or Enforce.\n"
			  ";untrusted_artifact_on_load = Warn\n"
			  "\n"
			  "# A slot to deploy to, functions/hello of the mount. The names may be patterns, team-a-*.\n"
			  ";[function hello]\n"
			  ";code_signing_config = approved\n"
			  "# Members of this group may deploy, too; root may always.\n"
			  ";group = users\n",
			  settings->publisher, settings->mode);
}

/* No example to go with the others: with it they are not in force. */
static int print_policy(const struct init_settings *settings, struct buf *ret)
{
	return buf_printf(
		ret,
		"\n"
		"# Or one policy for many hosts: the bundles that this profile signs say which code-signing\n"
		"# configs, functions and layers there are, in the place of what stands above. They are\n"
		"# fetched from source, or brought by `vouchfs policy apply`. The [account] of who signs them\n"
		"# stands in this file: move it here from conf.d, with `trust/` for `../trust/`.\n"
		"#   [policy]\n"
		"#   publisher = arn:vouchfs:signer:local:%s:/signing-profiles/policy\n"
		"#   source = https://policy.example.org/policy.zip\n",
		settings->publisher);
}

int init_print_config(const struct init_places *places, const struct init_settings *settings, struct buf *ret)
{
	int r = print_host(places, settings, ret);
	if (r == 0)
		r = print_accounts(settings, ret);
	if (r == 0)
		r = print_slots(settings, ret);
	return r < 0 ? r : print_policy(settings, ret);
}

int init_print_account(const char *account, struct buf *ret)
{
	return buf_printf(
		ret,
		"# Written by `vouchfs init --trust`. New lists come from `vouchfs signer export-trust` of the\n"
		"# signing host; a list is taken as soon as its file changes.\n"
		"[account %s]\n"
		"certificate = ../trust/%s.pem\n"
		"revocations = ../trust/%s.revocations\n",
		account, account, account);
}

/* ---- the next steps ---- */

static void print_step(int *number, const char *text)
{
	(void)printf("\n  %d. %s\n", ++*number, text);
}

static void print_user_step(int *number)
{
	print_step(number, "Make the user who serves, then run this again:");
	if (access("/usr/lib/sysusers.d/vouchfs.conf", F_OK) == 0 ||
	    access("/usr/local/lib/sysusers.d/vouchfs.conf", F_OK) == 0)
		(void)fputs("       systemd-sysusers\n", stdout);
	else
		(void)fputs("       adduser --system --group --no-create-home --home /var/lib/vouchfs vouchfs\n",
			    stdout);
	(void)fputs("       vouchfs init\n", stdout);
}

static void print_trust_steps(const struct init_places *places, const struct config *config, int *number)
{
	if (config->account_count == 0) {
		print_step(number, "Whose certificates are trusted. On the signing host:");
		(void)fputs("       vouchfs signer export-trust --directory trust\n"
			    "     carry that directory here, then:\n"
			    "       vouchfs init --trust trust\n",
			    stdout);
	}
	if (config->function_count == 0 && config->policy.publisher_count == 0) {
		print_step(number, "Who may sign what: take the ; away and write your profile's ARN, in");
		(void)printf("       %s\n"
			     "     at [code-signing-config approved] and [function hello]. The ARN is\n"
			     "       arn:vouchfs:signer:local:%s:/signing-profiles/NAME\n"
			     "     (on the signing host: vouchfs signer list-signing-profiles)\n",
			     places->conf, config->account_count > 0 ? config->accounts[0].id : config->account);
	}
}

static void print_boot_step(const struct init_places *places, int *number)
{
	if (!places->is_system)
		return;
	bool has_systemd = access("/run/systemd/system", F_OK) == 0;
	print_step(number, has_systemd ? "Or mount it with the machine, by a service:"
				       : "Or mount it with the machine, by a line in /etc/fstab:");
	if (has_systemd)
		(void)printf("       systemctl enable --now vouchfs@$(systemd-escape -p %s)\n", places->mountpoint);
	else
		(void)printf("     %s %s vouchfs nofail,uhelper=vouchfs 0 0\n", places->conf, places->mountpoint);
}

/* What there is to deploy to is said by a bundle, where one governs. */
static void print_first_step(const struct init_places *places, const struct config *config, int *number)
{
	if (config->policy.publisher_count > 0) {
		print_step(number, config->policy.source ? "Wait for the policy bundle, and look:"
							 : "Bring the policy bundle, and look:");
		(void)printf("       vouchfs policy %s\n", config->policy.source ? "fetch" : "apply policy.zip");
	} else {
		print_step(number, "Deploy a signed artifact, and look:");
		(void)printf("       cp app.zip %s/functions/%s/\n", places->mountpoint,
			     config->function_count > 0 ? config->functions[0].name : "hello");
	}
	(void)fputs("       vouchfs status\n", stdout);
}

void init_print_steps(const struct init_places *places, const struct config *config, bool has_user)
{
	struct buf mountpoint = {0};
	bool is_mounted = fs_find_mount(places->conf, &mountpoint) == 0;
	buf_done(&mountpoint);
	int number = 0;
	(void)fputs("\nNext:\n", stdout);
	if (!places->is_found) {
		print_step(&number, "Tell the commands where the configuration is (in ~/.profile, for good):");
		(void)printf("       export VOUCHFS_CONF=%s\n", places->conf);
	}
	if (!has_user)
		print_user_step(&number);
	print_trust_steps(places, config, &number);
	print_step(&number, "Check it:");
	(void)fputs("       vouchfs check-config\n", stdout);
	print_step(&number, is_mounted ? "Have the mount take it in:" : "Mount it:");
	if (is_mounted)
		(void)fputs("       vouchfs reload\n", stdout);
	else
		(void)printf("       vouchfs mount %s\n", places->mountpoint);
	print_first_step(places, config, &number);
	if (!is_mounted)
		print_boot_step(places, &number);
}
