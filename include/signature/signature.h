/*
 * signature.h - what can be known about an artifact's signature: facts, no opinion. policy.h makes the verdict of them.
 *
 *     0 ........ local entries, central directory        unchanged
 *     E          PK\5\6 ... directory offset             20 bytes
 *     L = E+20   the signed range is exactly [0, L)
 *     L          u16 comment length C
 *     L+2        one PEM CMS block                       C bytes, then the end of the file
 */
#ifndef SIGNATURE_SIGNATURE_H
#define SIGNATURE_SIGNATURE_H

#include "base/explain.h"
#include "crypto/cms.h"
#include "signature/revocations.h"
#include "signature/statement.h"

/* Facts are filled from the worst: all-zero means "nothing is known", which policy denies. */
enum signature_fact { SIGNATURE_UNKNOWN = 0, SIGNATURE_BAD, SIGNATURE_GOOD };

enum signature_form { SIGNATURE_FORM_UNKNOWN = 0, SIGNATURE_NONE, SIGNATURE_NATIVE };

enum signature_list_state {
	SIGNATURE_LIST_UNKNOWN = 0, /* could not be read, or not looked for */
	SIGNATURE_LIST_MISSING,	    /* the file is not there, or none is configured */
	SIGNATURE_LIST_BAD,	    /* there, but not a list of this account */
	SIGNATURE_LIST_OLDER,	    /* older than one seen before, or the same sequence with other content */
	SIGNATURE_LIST_READ,	    /* genuine; its times are for policy to judge */
};

/* What the host knows of one account; made by the gate from the configuration, immutable while shared. */
struct signature_account {
	char id[ARN_ACCOUNT_SIZE];
	struct crypto_trust *trust;
	bool revocations_required;
	enum signature_list_state list_state;
	struct explain list_why;      /* when not READ */
	struct revocation_list *list; /* when READ */
};

/* The digests of the chain's certificates, as revocation lists name them: those carried, and the CA. */
struct signature_certificates {
	size_t count;
	uint8_t sha256[CRYPTO_CMS_CERTS_MAX + 1][CRYPTO_SHA256_BYTES];
};

struct signature_facts {
	enum signature_form form;

	/* form, signature, statement, length and tree: NATIVE only */
	enum signature_fact integrity;
	struct explain integrity_why;
	enum signature_content other_content; /* BAD alone because it is signed as this; else NOTHING */
	struct statement statement;	      /* valid when integrity is GOOD */

	/*
	 * A token that is there and was looked at makes GOOD; one that does not hold breaks integrity. UNKNOWN: there
	 * is none, or the host names no authority that could be asked about it.
	 */
	bool has_timestamp;
	enum signature_fact timestamp;
	int64_t timestamp_s; /* when GOOD */

	enum signature_fact account_known; /* an [account] section for the ARN's account */
	enum signature_fact chain; /* valid at signature_time_s, ends in that account's CA, speaks for the ARN */
	struct explain chain_why;
	int64_t signing_cert_not_after_s;
	char signer_subject[256]; /* escaped; for display */
	struct signature_certificates certificates;

	bool revocations_required;
	enum signature_list_state list_state;
	struct explain list_why;
	uint64_t list_sequence;
	int64_t list_issued_at_s;
	int64_t list_next_update_s;
	bool revoked;
	struct revocation revocation; /* when revoked */
};

/* True when a ZIP comment claims to be a signature: it begins with "-----BEGIN CMS-----". */
bool signature_is_claimed(const void *comment, size_t len);

/* When it was signed, for chain and revocation: by the time stamp where one holds, else by the statement. */
int64_t signature_time_s(const struct signature_facts *facts);

/* "artifact", "policy bundle", "nothing" */
const char *signature_content_name(enum signature_content content);

/*
 * The message of a signature of this content. -EBADMSG: it is none, or one of something else, with why; -EINVAL: of
 * SIGNATURE_OF_NOTHING. crypto_cms_free.
 */
int signature_parse(enum signature_content content, const void *comment, size_t len, struct crypto_cms **ret,
		    struct explain *ret_why);
/* Whatever was signed; for display and time stamps, which make nothing of what it is. */
int signature_parse_any(const void *comment, size_t len, enum signature_content *ret_content, struct crypto_cms **ret,
			struct explain *ret_why);

/*
 * Establishes the facts for an artifact, or what else content says, whose signed range is [0, length) with this
 * fs-verity digest; signed as something else, its integrity is BAD. accounts: all that the host trusts;
 * timestamp_authority: whose time stamps it believes, or NULL. Returns 0 with *ret filled as far as things could be
 * known (what could not be decided stays UNKNOWN), -EINVAL of SIGNATURE_OF_NOTHING, or -ENOMEM.
 */
int signature_examine(enum signature_content content, const void *comment, size_t comment_len, uint64_t length,
		      const uint8_t tree_sha256[CRYPTO_SHA256_BYTES], const struct signature_account *accounts,
		      size_t account_count, const struct crypto_trust *timestamp_authority,
		      struct signature_facts *ret);

/*
 * The comment with the authority's reply to the query (or NULL) in it (crypto/timestamp.h). -EFBIG as below.
 */
int signature_add_timestamp(const struct buf *comment, const struct buf *query, const struct buf *reply,
			    struct buf *ret_comment, struct explain *ret_why);

/* The query for such a reply. -EBADMSG: the comment is no signature. */
int signature_timestamp_query(const struct buf *comment, struct buf *ret_query, struct explain *ret_why);

/*
 * Facts of the same artifact under accounts that differ in their lists alone: only these are looked up again, nothing
 * is parsed or verified. False: *facts holds something undecided, and all has to be examined again.
 */
bool signature_examine_lists(const struct signature_account *accounts, size_t account_count,
			     struct signature_facts *facts);

/* Signs: statement -> the comment to be put at [L+2, end). -EINVAL of SIGNATURE_OF_NOTHING; -EFBIG above
 * LIMIT_SIGNATURE_COMMENT_BYTES. */
int signature_make(enum signature_content content, const struct statement *statement, const struct crypto_key *key,
		   const struct crypto_cert *const *chain, size_t chain_len, struct buf *ret_comment,
		   struct explain *ret_why);

#endif
