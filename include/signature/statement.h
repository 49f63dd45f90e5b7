/*
 * statement.h - what a signature says about an artifact.
 *
 * Format, version 1: ASCII, LF, these keys in this order, each once, no blanks around values, at most
 * LIMIT_STATEMENT_BYTES:
 *
 *     vouchfs-signature: 1
 *     platform: AWSLambda-SHA384-ECDSA
 *     length: <bytes that are signed: all before the ZIP comment's length field>
 *     sha384: <of [0, length), lower-case hex>
 *     tree-sha256: <fs-verity digest of [0, length)>
 *     profile-version-arn: <ARN>
 *     job-arn: <ARN, same account and region>
 *     signed-at: YYYY-MM-DDThh:mm:ssZ
 *     expires-at: YYYY-MM-DDThh:mm:ssZ   (later than signed-at)
 *
 * Parsing prints the struct again and compares: one text has one meaning.
 */
#ifndef SIGNATURE_STATEMENT_H
#define SIGNATURE_STATEMENT_H

#include "arn/arn.h"
#include "base/buf.h"
#include "base/explain.h"
#include "crypto/digest.h"

#define STATEMENT_CONTENT_TYPE "2.25.279691805300611889496784132903585259470"
#define BUNDLE_CONTENT_TYPE    "2.25.224792921442834239808402630034598365629" /* of a policy bundle (bundle/bundle.h) */
/*
 * What was signed, and so what it may be used as. Each has a content type of its own, and whoever verifies says which
 * one he wants; zero is none, and nothing passes for it.
 */
enum signature_content { SIGNATURE_OF_NOTHING = 0, SIGNATURE_OF_ARTIFACT, SIGNATURE_OF_BUNDLE };

#define STATEMENT_PLATFORM "AWSLambda-SHA384-ECDSA"

struct statement {
	uint64_t length_bytes;
	uint8_t sha384[CRYPTO_SHA384_BYTES];
	uint8_t tree_sha256[CRYPTO_SHA256_BYTES];
	struct arn_profile profile_version;
	struct arn_job job;
	int64_t signed_at_s;
	int64_t expires_at_s;
};

/* 0; -EBADMSG: not such a statement, with why; -ENOMEM. */
int statement_parse(const char *text, size_t len, struct statement *ret, struct explain *ret_why);
int statement_print(const struct statement *statement, struct buf *ret);

#endif
