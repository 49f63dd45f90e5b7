/* Statements that are truly signed, and say what a statement must not, or say it otherwise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "signature_scene.h"

#define SIGNED_AT  "signed-at: 2026-11-21T17:27:12Z"
#define EXPIRES_AT "expires-at: 2027-11-21T17:27:12Z"
#define HEAD	   "vouchfs-signature: 1\n"
#define PLATFORM   "platform: AWSLambda-SHA384-ECDSA\n"

static void empty(struct signature_scene *s)
{
	s->text.len = 0;
	scene_append(&s->text, "\n");
}

static void cut_last_line_end(struct signature_scene *s)
{
	s->text.len--;
}

static void crlf(struct signature_scene *s)
{
	for (size_t i = 0; i < s->text.len; i++)
		if (s->text.data[i] == '\n')
			scene_insert(&s->text, i++, "\r", 1);
}

static void oversized(struct signature_scene *s)
{
	while (s->text.len <= LIMIT_STATEMENT_BYTES)
		scene_append(&s->text, "more: and more\n");
}

static void nul_behind(struct signature_scene *s)
{
	scene_insert(&s->text, s->text.len, "", 1);
}

static void said_twice(struct signature_scene *s)
{
	struct buf again = {0};
	scene_append(&again, s->text.data);
	scene_append(&s->text, again.data);
	buf_done(&again);
}

/* Turns the first character behind a key's ": " into something else. */
static char *value_of(struct signature_scene *s, const char *key)
{
	char *at = strstr(s->text.data, key);
	ASSERT(at);
	return at + strlen(key);
}

static void upper_case_digest(struct signature_scene *s)
{
	memcpy(value_of(s, "tree-sha256: "), "ABCDEF", 6);
}

static void digest_without_its_last_digit(struct signature_scene *s)
{
	char *end = strchr(value_of(s, "tree-sha256: "), '\n');
	memmove(end - 1, end, s->text.len - (size_t)(end - s->text.data));
	s->text.len--;
}

static void digest_with_one_more_digit(struct signature_scene *s)
{
	char *end = strchr(value_of(s, "sha384: "), '\n');
	scene_insert(&s->text, (size_t)(end - s->text.data), "0", 1);
}

static void digests_in_each_others_place(struct signature_scene *s)
{
	char *sha384 = strstr(s->text.data, "sha384: "), *tree = strstr(s->text.data, "tree-sha256: ");
	char *arn = strstr(s->text.data, "profile-version-arn: ");
	struct buf turned = {0};
	ASSERT(sha384 && tree && arn);
	ASSERT(buf_append(&turned, tree, (size_t)(arn - tree)) == 0);
	ASSERT(buf_append(&turned, sha384, (size_t)(tree - sha384)) == 0);
	memcpy(sha384, turned.data, turned.len);
	buf_done(&turned);
}

static void one_byte_more(struct signature_scene *s)
{
	s->statement.length_bytes++;
}
static void one_byte_less(struct signature_scene *s)
{
	s->statement.length_bytes--;
}
static void length_of_the_whole_zip(struct signature_scene *s)
{
	s->statement.length_bytes += 2;
}
static void tree_of_other_bytes(struct signature_scene *s)
{
	s->statement.tree_sha256[0] ^= 1;
}
static void lying_flat_digest(struct signature_scene *s)
{
	s->statement.sha384[47] ^= 1;
}
static void expires_when_signed(struct signature_scene *s)
{
	s->statement.expires_at_s = s->statement.signed_at_s;
}
static void signed_a_second_later(struct signature_scene *s)
{
	/* only the statement: the attribute stays where it was */
	s->statement.signed_at_s++;
	s->statement.expires_at_s++;
}
static void attribute_stays(struct signature_scene *s)
{
	s->message.signing_time_s = FORGE_AT_S;
}

static const struct signature_case cases[] = {
	{"should-pass-plain", PASSES},
	{"should-pass-plain-in-full", PASSES, .full = true},
	{"should-pass-text-replaced-by-itself", PASSES, .replace = {PLATFORM, PLATFORM}},
	{"should-fail-empty-statement", INTEGRITY, "\"vouchfs-signature: ...\"", .text = empty},
	{"should-fail-version-2", INTEGRITY, "expected 1, found \"2\"", .replace = {HEAD, "vouchfs-signature: 2\n"}},
	{"should-fail-version-missing", INTEGRITY, "\"vouchfs-signature: ...\"", .replace = {HEAD, ""}},
	{"should-fail-platform-unknown", INTEGRITY, "AWSFreeRTOS",
	 .replace = {"AWSLambda-SHA384-ECDSA", "AWSFreeRTOS"}},
	{"should-fail-platform-missing", INTEGRITY, "\"platform: ...\"", .replace = {PLATFORM, ""}},
	{"should-fail-key-twice", INTEGRITY, "\"length: ...\"", .replace = {PLATFORM, PLATFORM PLATFORM}},
	{"should-fail-keys-in-another-order", INTEGRITY, "\"vouchfs-signature: ...\"",
	 .replace = {HEAD PLATFORM, PLATFORM HEAD}},
	{"should-fail-digests-in-another-order", INTEGRITY, "\"sha384: ...\"", .text = digests_in_each_others_place},
	{"should-fail-unknown-key-behind", INTEGRITY, "one form",
	 .replace = {EXPIRES_AT "\n", EXPIRES_AT "\nnote: hi\n"}},
	{"should-fail-unknown-key-between", INTEGRITY, "\"platform: ...\"", .replace = {HEAD, HEAD "note: hi\n"}},
	{"should-fail-last-key-twice", INTEGRITY, "one form",
	 .replace = {EXPIRES_AT "\n", EXPIRES_AT "\n" EXPIRES_AT "\n"}},
	{"should-fail-statement-twice", INTEGRITY, "one form", .text = said_twice},
	{"should-fail-key-in-capitals", INTEGRITY, "\"platform: ...\"", .replace = {"platform: ", "Platform: "}},
	{"should-fail-blank-before-value", INTEGRITY, "expected AWSLambda", .replace = {"platform: ", "platform:  "}},
	{"should-fail-blank-behind-value", INTEGRITY, "expected AWSLambda", .replace = {"ECDSA\n", "ECDSA \n"}},
	{"should-fail-no-blank-behind-colon", INTEGRITY, "\"platform: ...\"", .replace = {"platform: ", "platform:"}},
	{"should-fail-tab-behind-colon", INTEGRITY, "\"platform: ...\"", .replace = {"platform: ", "platform:\t"}},
	{"should-fail-empty-line-in-front", INTEGRITY, "\"vouchfs-signature: ...\"", .replace = {HEAD, "\n" HEAD}},
	{"should-fail-empty-line-behind", INTEGRITY, "one form", .replace = {EXPIRES_AT "\n", EXPIRES_AT "\n\n"}},
	{"should-fail-byte-order-mark", INTEGRITY, "\"vouchfs-signature: ...\"",
	 .replace = {HEAD, "\xef\xbb\xbf" HEAD}},
	{"should-fail-no-line-end-at-the-end", INTEGRITY, "\"expires-at: ...\"", .text = cut_last_line_end},
	{"should-fail-crlf-in-statement", INTEGRITY, "expected 1, found \"1\\x0d\"", .text = crlf},
	{"should-fail-oversized-statement", INTEGRITY, "larger than 4096 bytes", .text = oversized},
	{"should-fail-nul-behind-statement", INTEGRITY, "one form", .text = nul_behind},

	{"should-fail-length-one-more", INTEGRITY, "bytes were signed", .plan = one_byte_more},
	{"should-fail-length-one-less", INTEGRITY, "bytes were signed", .plan = one_byte_less},
	{"should-fail-length-with-comment-length", INTEGRITY, "bytes were signed", .plan = length_of_the_whole_zip},
	{"should-fail-length-with-leading-zero", INTEGRITY, "expected a number", .replace = {"length: ", "length: 0"}},
	{"should-fail-length-with-sign", INTEGRITY, "expected a number", .replace = {"length: ", "length: +"}},
	{"should-fail-length-negative", INTEGRITY, "expected a number", .replace = {"length: ", "length: -"}},
	{"should-fail-length-in-hex", INTEGRITY, "expected a number", .replace = {"length: ", "length: 0x"}},
	{"should-fail-length-beyond-64-bits", INTEGRITY, "expected a number",
	 .replace = {"length: ", "length: 18446744073709551616"}},
	{"should-fail-tree-and-content-disagree", INTEGRITY, "tree-sha256", .plan = tree_of_other_bytes},
	{"should-pass-flat-digest-is-not-looked-at-on-admission", PASSES, .plan = lying_flat_digest},
	{"should-fail-flat-digest-and-content-disagree", INTEGRITY, "SHA-384", .plan = lying_flat_digest, .full = true},
	{"should-fail-digest-in-capitals", INTEGRITY, "lower-case hex", .text = upper_case_digest},
	{"should-fail-digest-too-short", INTEGRITY, "lower-case hex", .text = digest_without_its_last_digit},
	{"should-fail-digest-too-long", INTEGRITY, "lower-case hex", .text = digest_with_one_more_digit},

	{"should-fail-profile-without-version", INTEGRITY, "profile version",
	 .replace = {"/" GATE_FIXTURE_VERSION, ""}},
	{"should-fail-profile-of-another-service", INTEGRITY, "profile version",
	 .replace = {"arn:vouchfs:signer:", "arn:vouchfs:lambda:"}},
	{"should-fail-partition-in-capitals", INTEGRITY, "profile version",
	 .replace = {"arn:vouchfs:", "arn:Vouchfs:"}},
	{"should-fail-account-of-11-digits", INTEGRITY, "profile version",
	 .replace = {GATE_FIXTURE_ACCOUNT ":/signing-p", "11112222333:/signing-p"}},
	{"should-fail-job-of-another-account", INTEGRITY, "a job of the profile's",
	 .replace = {GATE_FIXTURE_ACCOUNT ":/signing-jobs", SCENE_OTHER_ACCOUNT ":/signing-jobs"}},
	{"should-fail-job-of-another-region", INTEGRITY, "a job of the profile's",
	 .replace = {"job-arn: arn:vouchfs:signer:local", "job-arn: arn:vouchfs:signer:elsewhere"}},
	{"should-fail-job-of-another-partition", INTEGRITY, "a job of the profile's",
	 .replace = {"job-arn: arn:vouchfs", "job-arn: arn:aws"}},
	{"should-fail-job-id-in-capitals", INTEGRITY, "signing job", .replace = {"a128-42db", "A128-42DB"}},
	{"should-fail-job-id-cut", INTEGRITY, "signing job", .replace = {"cc54e187\n", "cc54e18\n"}},
	{"should-fail-job-id-with-path", INTEGRITY, "signing job", .replace = {"cc54e187\n", "cc54e187/..\n"}},

	{"should-fail-time-with-offset", INTEGRITY, "a UTC time",
	 .replace = {SIGNED_AT, "signed-at: 2026-11-21T18:27:12+01:00"}},
	{"should-fail-time-with-offset-zero", INTEGRITY, "a UTC time",
	 .replace = {EXPIRES_AT, "expires-at: 2027-11-21T17:27:12+00:00"}},
	{"should-fail-time-without-zone", INTEGRITY, "a UTC time",
	 .replace = {SIGNED_AT, "signed-at: 2026-11-21T17:27:12"}},
	{"should-fail-time-with-fraction", INTEGRITY, "a UTC time",
	 .replace = {SIGNED_AT, "signed-at: 2026-11-21T17:27:12.0Z"}},
	{"should-fail-time-in-lower-case", INTEGRITY, "a UTC time",
	 .replace = {SIGNED_AT, "signed-at: 2026-11-21t17:27:12z"}},
	{"should-fail-time-with-blank", INTEGRITY, "a UTC time",
	 .replace = {SIGNED_AT, "signed-at: 2026-11-21 17:27:12Z"}},
	{"should-fail-time-as-number", INTEGRITY, "a UTC time", .replace = {SIGNED_AT, "signed-at: 1795282032"}},
	{"should-fail-time-in-february-30", INTEGRITY, "a UTC time",
	 .replace = {EXPIRES_AT, "expires-at: 2027-02-30T17:27:12Z"}},
	{"should-fail-time-at-24", INTEGRITY, "a UTC time",
	 .replace = {EXPIRES_AT, "expires-at: 2027-11-21T24:00:00Z"}},
	{"should-fail-time-with-leap-second", INTEGRITY, "a UTC time",
	 .replace = {EXPIRES_AT, "expires-at: 2027-06-30T23:59:60Z"}},
	{"should-fail-expires-when-signed", INTEGRITY, "not later than signed-at", .plan = expires_when_signed},
	{"should-fail-expires-before-signed", INTEGRITY, "not later than signed-at",
	 .replace = {EXPIRES_AT, "expires-at: 2026-11-21T17:27:11Z"}},
	{"should-fail-signed-at-is-not-signing-time", INTEGRITY, "signingTime", .plan = signed_a_second_later,
	 .message = attribute_stays},
};

const struct signature_cases signature_cases_statement = {cases, ARRAY_SIZE(cases)};
