/*
 * policy.h - the part of a configuration that comes from a signed policy bundle, and what the host's own files may say
 * beside it.
 *
 * On the host, in vouchfs.conf:
 *
 *     [policy]
 *     publisher = <profile ARN>       whose bundles count, as allowed_publisher of a config; may be repeated
 *     source = https://... | file:/// where bundles are fetched from; none: they are brought here
 *     source_ca = <path>              PEM file of CA certificates for https; the system's where not given
 *     source_user = <user>            who fetches
 *     poll_interval = 5m
 *     host = <name>                   what bundles call this host; its host name where not given
 *     label = <word>                  may be repeated
 *     owner, group, mode              of the slot MNT/policy, as in [function]
 *
 * It stands in the main file alone: who may write conf.d does not choose whose policy is in force. An [account] of a
 * publisher may lack revocations, because its list comes in its bundles.
 *
 * In the bundle: policy.conf (below), conf.d/<name>.conf, trust/<file>. Its conf.d may have
 * [code-signing-config], [account], [function], [layer], [principal], and [vouchfs] with the keys keep_releases,
 * max_artifact_size, max_unpacked_size, staging_ttl, errno_style, durability, timestamp_authority. A certificate, a
 * timestamp_authority and revocations are "trust/<file>", in the bundle; revocations may also be an absolute path, of a
 * file on the host that is kept up to date by other means.
 *
 *     [policy]
 *     sequence = 7                    grows with each bundle of a publisher
 *     description = <text>
 *     hosts = web-* db-1              whom it is for, words with "*"; may be repeated; none: every host
 *     labels = eu staging             or hosts with one of these labels; may be repeated
 *     local = refuse | report         what becomes of a host whose own files say something about what is governed: its
 *                                     configuration is refused (default), or that is left out, and reported as drift
 *     remediate = no | yes            whether the host puts drift right by itself
 *
 *     [unit]                          what the process that serves has to look like; all optional
 *     User = vouchfs
 *     NoNewPrivileges = yes
 *     UMask = 0077
 *     LimitNOFILE = 65536             at least
 *     LimitCORE = 0                   at most
 *     AllowOther = yes | no           mount options
 *
 * What is governed while a publisher is configured: code-signing configs, layers, principals and functions, and the
 * [vouchfs] keys and the [account] sections that the bundle has. A kind of section of which the bundle has any is the
 * bundle's alone; of code-signing configs, functions, layers and principals that it does not mention the host may have
 * its own (functions then need a code_signing_config, "none" is governed). Without a bundle none of the four is in
 * force. [account] sections of the host's own files are what bundles are judged by; for artifacts a bundle's section of
 * that account stands in its place.
 */
#ifndef CONFIG_POLICY_H
#define CONFIG_POLICY_H

#include "base/explain.h"
#include "config/config.h"

#define CONFIG_POLL_INTERVAL_DEFAULT_S 300
#define CONFIG_TERMS_FILE	       "policy.conf"
#define CONFIG_TERMS_TRUST	       "trust/"

/* A file of a bundle. */
struct config_member {
	const char *name; /* "policy.conf", "conf.d/web.conf", "trust/111122223333.pem" */
	const char *bytes;
	size_t len;
};

struct config_members {
	const struct config_member *all;
	size_t count;
};

enum config_local { CONFIG_LOCAL_REFUSE = 0, CONFIG_LOCAL_REPORT };

struct config_unit_option {
	char *name; /* "NoNewPrivileges" */
	char *value;
};

/* policy.conf of a bundle. */
struct config_terms {
	uint64_t sequence;
	char *description; /* "" when not given */
	char **hosts;
	size_t host_count;
	char **labels;
	size_t label_count;
	enum config_local local;
	bool remediate;
	struct config_unit_option *unit; /* by name */
	size_t unit_count;
};
/* Every error is a line of ret_errors, -EINVAL. config_terms_free(NULL) is fine. */
int config_terms_parse(const char *text, size_t len, struct config_terms **ret, struct buf *ret_errors);
void config_terms_free(struct config_terms *terms);
/* Is a bundle for a host of this name with these labels? */
bool config_terms_are_for(const struct config_terms *terms, const char *host, char *const *labels, size_t label_count);
/* Of one that is not: a sentence with whom it is for, and what this host is called. */
void config_terms_explain(const struct config_terms *terms, const char *host, char *const *labels, size_t label_count,
			  struct explain *ret);

/* Something in the host's own files that is not in force, because it is governed. */
struct config_override {
	char *file; /* as errors show it, escaped */
	char *path; /* absolute */
	unsigned line;
	bool in_conf_d;
	char *section; /* "function team-a-x" */
	char *key;     /* NULL: the whole section */
	char *text;    /* one sentence: what it says, whose this is */
};

/*
 * config_load with a bundle (NULL: none is in force) in its place: what the bundle says and what the host may say
 * beside it; config->overrides has what was left out. -EINVAL also where the bundle's local = refuse and there is such.
 * Without [policy] publisher a bundle is a mistake of the caller's. config_load is this without a bundle.
 */
int config_load_governed(const char *path, const struct config_members *bundle, struct config **ret,
			 struct buf *ret_errors);
/*
 * Would a [code-signing-config] or [function] of the host's own files not be in force? Then ret_why says who decides.
 * (One section may all the same be none of the host's: config_load_changed.)
 */
bool config_is_governed(const struct config *config, const char *section, struct explain *ret_why);
/*
 * A bundle alone, as it is packed: everything that can be known to be wrong without a host. Users and groups need not
 * exist here. ret has the sections; store, account and the like are empty.
 */
int config_load_bundle(const struct config_members *bundle, struct config **ret, struct buf *ret_errors);

#endif
