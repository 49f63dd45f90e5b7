/*
 * trust_fixture.h - a signing account for tests, made anew each time: a CA, a leaf that speaks for one profile version,
 * a leaf that speaks for the account's revocation list. Everything is valid from a year before TRUST_FIXTURE_NOW_S to
 * ten years after it. What cannot be made fails the running test.
 *
 *     struct trust_fixture alice;
 *     trust_fixture_init(&alice, "111122223333", "profile_for_application_ABC", "a1B2c3D4e5");
 *     trust_fixture_sign_zip(&alice, zip, zip_len, &signed_zip);
 *     struct signature_account account = trust_fixture_account(&alice);
 *     ...
 *     trust_fixture_done(&alice);
 */
#ifndef TRUST_FIXTURE_H
#define TRUST_FIXTURE_H

#include "arn/arn.h"
#include "base/buf.h"
#include "crypto/cert.h"
#include "signature/signature.h"

#define TRUST_FIXTURE_NOW    "2026-11-21T17:27:12Z"
#define TRUST_FIXTURE_NOW_S  1795282032
#define TRUST_FIXTURE_DAY_S  86400
#define TRUST_FIXTURE_YEAR_S (365 * TRUST_FIXTURE_DAY_S)

struct trust_fixture {
	enum signature_content content; /* what trust_fixture_sign says it is: an artifact, unless it is changed */
	struct arn_profile profile_version;
	struct crypto_key *ca_key;
	struct crypto_cert *ca;
	struct crypto_key *key;
	struct crypto_cert *leaf;
	struct crypto_key *list_key;
	struct crypto_cert *list_leaf;
	struct crypto_trust *trust;
};

void trust_fixture_init(struct trust_fixture *f, const char *account, const char *profile, const char *version);
void trust_fixture_done(struct trust_fixture *f);

/* The account's CA certificate, as a configuration's `certificate =` file has it. Appended. */
void trust_fixture_ca_pem(const struct trust_fixture *f, struct buf *ret);

/* A leaf of the account for another SAN or time; free both. */
void trust_fixture_leaf(const struct trust_fixture *f, const char *san_uri, int64_t not_before_s, int64_t not_after_s,
			struct crypto_key **ret_key, struct crypto_cert **ret_leaf);

/* What a job would state of these bytes: a new job id, signed now, expires a year later. Change it, then sign. */
struct statement trust_fixture_statement(const struct trust_fixture *f, const void *bytes, size_t len);

/* The signature comment for a statement. Appended. */
void trust_fixture_sign(const struct trust_fixture *f, const struct statement *statement, struct buf *ret_comment);

/* An unsigned ZIP (no comment) with its signature put in. Appended. */
void trust_fixture_sign_zip(const struct trust_fixture *f, const void *zip, size_t len, struct buf *ret_zip);
/* The same with a statement of the caller's. */
void trust_fixture_attach(const void *zip, size_t len, const struct buf *comment, struct buf *ret_zip);

/* A signed revocation list, issued now, next update in 30 days; the entries are copied. Appended. */
void trust_fixture_list(const struct trust_fixture *f, uint64_t sequence, const struct revocation *entries,
			size_t entry_count, struct buf *ret_pem);

/* The account as the gate would know it, without a list; borrows the fixture's trust. */
struct signature_account trust_fixture_account(const struct trust_fixture *f);

#endif
