/* init.h - what the sources of `vouchfs init` share. Private to src/cli. */
#ifndef CLI_INIT_H
#define CLI_INIT_H

#include <pwd.h>
#include <sys/types.h>

#include "arn/arn.h"
#include "base/buf.h"
#include "base/explain.h"
#include "config/config.h"

/* What a host needs, and where. All paths are absolute; free(). */
struct init_places {
	char *conf;
	char *directory; /* that it is in */
	char *conf_d;
	char *trust;
	char *store;
	char *mountpoint;
	bool is_system;	   /* below /etc, made by root: the service user serves */
	bool is_found;	   /* commands find the configuration without being told where */
	bool has_settings; /* the configuration was there before */
};

/* given: what -c says, or NULL; mountpoint the same. -EINVAL with why: there is no home directory to go by. */
int init_places_find(const char *given, const char *mountpoint, struct init_places *ret, struct explain *ret_why);
/* Where init puts the configuration of this user when nobody says where; free(). NULL: there is no home directory. */
char *init_default_conf(void);
void init_places_done(struct init_places *places);

/* ---- init_files.c: nothing that is there is changed ---- */

/* Made with all above it, which get 0755. owner NULL: the caller's. False: it was there. -ENOTDIR: something else is.
 */
int init_make_dir(const char *path, mode_t mode, const struct passwd *owner, bool *ret_made);
/* 0644, durable. -EEXIST: it is there with another content; *ret_made false: with this one. */
int init_make_file(const char *path, const void *bytes, size_t len, bool *ret_made);
/* A line of what was done: "  made   PATH". */
void init_tell(const char *path, bool made);

/* ---- init_store.c ---- */

/* The store, as its owner to be: user, or the caller where that is NULL. Why not is printed, then -EIO. */
int init_make_store(const char *path, const char *user, bool *ret_made);

/* ---- init_trust.c: what `signer export-trust` wrote ---- */

struct init_account {
	char id[ARN_ACCOUNT_SIZE];
	struct buf certificate; /* PEM */
	struct buf revocations; /* empty: there is no list */
};
struct init_trust {
	struct init_account *accounts; /* by id */
	size_t count;
};

/* Reads and proves each pair of files: <account>.pem, <account>.revocations. Why not is printed, then -EINVAL. */
int init_trust_read(const char *directory, struct init_trust *ret);
void init_trust_done(struct init_trust *trust);

/* ---- init_text.c ---- */

struct init_settings {
	const char *account;
	const char *mode;      /* "Warn", "Enforce" */
	const char *publisher; /* account whose signatures count, for the examples */
	bool has_accounts;     /* their sections are in conf.d */
};
int init_print_config(const struct init_places *places, const struct init_settings *settings, struct buf *ret);
int init_print_account(const char *account, struct buf *ret);
/* What to do now, in order; config as it stands. */
void init_print_steps(const struct init_places *places, const struct config *config, bool has_user);

#endif
