/*
 * config.h - the INI files of a deployment host: plain structs, checked whole, immutable once loaded.
 *
 * The files are read with limits of their own before inih sees them, because inih as Debian ships it accepts what must
 * be refused (src/config/scan.c says what). Every error is reported, each with file and line, what was expected and the
 * nearest known name.
 *
 * Trust files (certificate, revocations) are only named here: who loads them finds out whether they exist.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <sys/types.h>

#include "arn/arn.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/log.h"

#define CONFIG_DEFAULT_PATH   "/etc/vouchfs/vouchfs.conf"
#define CONFIG_CONF_D	      "conf.d" /* beside the main file, and in a policy bundle */
#define CONFIG_PUBLISHERS_MAX 20

/* Names of code-signing configs are [A-Za-z0-9_-]{1,29}: inih keeps 49 characters of a section's name. */
#define CONFIG_CODE_SIGNING_NAME_MAX 29
#define CONFIG_HOST_NAME_MAX	     150 /* what policy bundles call a host fits on a line */
#define CONFIG_LABEL_MAX	     64
#define CONFIG_NONE		     "none" /* code_signing_config of a function whose signature nobody checks */

enum config_mode { CONFIG_ENFORCE = 0, CONFIG_WARN, CONFIG_IGNORE };
enum config_errno_style { CONFIG_ERRNO_KEY = 0, CONFIG_ERRNO_PERMISSION };

/* Where a section stands. */
struct config_origin {
	char *file;	 /* path as errors show it, escaped */
	unsigned line;	 /* of its first header */
	bool in_conf_d;	 /* not in the main file */
	bool in_bundle;	 /* not in the host's own files: file is "policy.zip:conf.d/..." */
	bool is_split;	 /* other files say more about it */
	int64_t mtime_s; /* of that file */
	uint32_t mtime_ns;
	uid_t owner;	/* of that file */
	bool has_owner; /* not of a bundle's */
};

struct config_account {
	char id[ARN_ACCOUNT_SIZE];
	char *certificate; /* absolute path */
	char *revocations; /* absolute path; NULL when there is none and none is required */
	bool revocations_required;
	bool in_bundle;
	/* Of a policy bundle's section: the files' content, and certificate and revocations name them ("trust/...") */
	char *certificate_text; /* NULL: to be read */
	char *revocations_text; /* NULL: to be read */
};

struct config_code_signing {
	char *name;
	char *description; /* "" when not given */
	struct arn_profile publishers[CONFIG_PUBLISHERS_MAX];
	size_t publisher_count;
	/* untrusted_artifact_on_deployment, or what the config sets for that check by itself */
	enum config_mode mismatch;
	enum config_mode expiry;
	enum config_mode revocation;
	enum config_mode deployment; /* the policy as written, for display */
	enum config_mode on_load;
	bool timestamp_required;
	/*
	 * "key: value" lines of what judges (publishers in order, policies; no name, no description): equal for two
	 * configs that judge alike. To be compared or hashed. The trust that [account] names is not in it.
	 */
	char *canonical;
	struct config_origin origin;
};

/* A function, or a layer. */
struct config_slot {
	char *name; /* or a pattern with one or more '*' */
	bool is_pattern;
	const struct config_code_signing *code_signing; /* NULL: "none", nothing is checked but the ZIP rules; layers */
	uid_t owner;					/* without has_owner: the user the daemon runs as */
	gid_t group;					/* without has_group: that user's group */
	bool has_owner;
	bool has_group;
	mode_t mode; /* permission bits of the slot's directory, at most and by default 0775 */
	struct config_origin origin;
};

/* The patterns among sections, in the order in which they are tried. */
struct config_patterns {
	const struct config_slot **all;
	size_t count;
};

/* Who acts for another account. No user and no group is in two of them. */
struct config_principal {
	char account[ARN_ACCOUNT_SIZE];
	char organization[ARN_ORGANIZATION_SIZE]; /* that the account belongs to; "": none */
	uid_t *users;
	size_t user_count;
	gid_t *groups;
	size_t group_count;
};

/* [policy]: whose bundles govern this host (config/policy.h). */
struct config_policy {
	struct arn_profile publishers[CONFIG_PUBLISHERS_MAX];
	size_t publisher_count; /* 0: nobody's */
	char *source;		/* URL, or NULL */
	char *source_ca;	/* absolute path, or NULL */
	uid_t source_user;
	bool has_source_user;
	uint64_t poll_interval_s;
	char *host; /* what bundles call it; never NULL */
	char **labels;
	size_t label_count;
	struct config_slot slot; /* owner, group and mode of MNT/policy */
};

struct config_terms;
struct config_override;

struct config {
	char *path; /* of the main file, absolute */
	char account[ARN_ACCOUNT_SIZE];
	char region[ARN_REGION_SIZE];
	char *store;
	char *anchor; /* or NULL */
	unsigned keep_releases;
	uint64_t max_artifact_bytes;
	uint64_t max_unpacked_bytes;
	uint64_t staging_ttl_s;
	char *user; /* service user when started by root; NULL when not configured */
	uint64_t inflate_cache_bytes;
	enum config_errno_style errno_style;
	char *timestamp_authority;	/* absolute path or NULL */
	char *timestamp_authority_text; /* of a bundle: its content; NULL: to be read */
	bool durable;			/* durability = commit */
	bool confine_required;		/* confine = require */
	enum log_target log;
	char *hooks; /* a directory; NULL: hooks.d beside the main file, where there is one */
	uid_t hooks_user;
	bool has_hooks_user; /* else the user that serves */
	uint64_t hooks_timeout_s;
	char *metrics_textfile; /* absolute path or NULL */
	uint64_t metrics_interval_s;

	/* Each in the order of its names. */
	struct config_account *accounts;
	size_t account_count;
	struct config_code_signing *code_signing;
	size_t code_signing_count;
	struct config_slot *functions;
	size_t function_count;
	struct config_patterns function_patterns;
	struct config_slot *layers;
	size_t layer_count;
	struct config_patterns layer_patterns;
	struct config_principal *principals;
	size_t principal_count;

	struct config_policy policy;
	struct config_terms *terms;	   /* of the bundle in force; NULL: none */
	struct config_override *overrides; /* by file and line */
	size_t override_count;

	/* All values as text, sections and lists sorted: equal for two configurations that say the same. */
	char *canonical;
};

/*
 * Reads path, then conf.d/<name>.conf beside it in name order. 0 and *ret, or -EINVAL with every error found, one a
 * line ("file:line: ..."), appended to *ret_errors; the errno of the main file where that could not be read (a line
 * says so too). A file has to be a regular one, owned by root or the caller, and writable by its owner alone.
 */
int config_load(const char *path, struct config **ret, struct buf *ret_errors);
/*
 * One file with [principal] sections and nothing else, without a conf.d: by the same rules, for principals and
 * principal_count alone. Relative to an open directory; errors name it as name. -ENOENT: there is no such file.
 */
int config_load_principals(int directory_fd, const char *name, struct config **ret, struct buf *ret_errors);
void config_free(struct config *config);

/* A file of conf.d as it would be. */
struct config_change {
	const char *name;
	const char *text; /* NULL: it is not there */
	size_t len;
};

struct config_members;

/*
 * What config_load_governed (config/policy.h; bundle may be NULL) would say if that were on disk. What the bundle does
 * not leave to the host is no error here, whatever the bundle says: it is in overrides.
 */
int config_load_changed(const char *path, const struct config_change *change, const struct config_members *bundle,
			struct config **ret, struct buf *ret_errors);

/*
 * The section that governs a function or layer: its name, else the longest matching pattern; among equally long ones
 * that with fewer stars, then that whose first star comes later, then the first by name. NULL: none.
 */
const struct config_slot *config_find_function(const struct config *config, const char *name);
const struct config_slot *config_find_layer(const struct config *config, const char *name);

const struct config_account *config_find_account(const struct config *config, const char *id);
const struct config_code_signing *config_find_code_signing(const struct config *config, const char *name);

/* The account that a user with these groups acts for: by user, else by the first group that has one. NULL: the host's.
 */
const struct config_principal *config_find_principal(const struct config *config, uid_t uid, const gid_t *gids,
						     size_t gid_count);
/* The same of a caller who is asked for each group. in_group may be NULL: in none. */
const struct config_principal *config_identify(const struct config *config, uid_t uid,
					       bool (*in_group)(void *ctx, gid_t group), void *ctx);

/* [A-Za-z0-9_-]{1,64}: what a function or a layer may be called. */
bool config_is_function_name(const char *name);

/* What a [code-signing-config] may be called; CONFIG_NONE is reserved. */
bool config_is_code_signing_name(const char *name);

const char *config_mode_name(enum config_mode mode); /* "Enforce", "Warn", "Ignore" */

#endif
