/* The mount's explanations, taken apart; the name of AWS's error for every reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/cli/lambda.h"
#include "policy/reason.h"

static const char refused[] = "VF2003 refused  slot=functions/f  artifact=f.zip  config=strict\n"
			      "  signature expired\n"
			      "  tree-sha256       f1f5\n"
			      "  check integrity   ok      123 bytes as signed\n"
			      "  check zip-rules   ok\n"
			      "  check source      FAILED  signed by (somebody)  (Warn)\n"
			      "                            expected: arn:a\n"
			      "  check expiry      FAILED  expired 3 days ago  (Enforce)\n"
			      "                            expected: a signature that is valid today\n"
			      "  check revocation  could not be checked  no list  (Enforce)\n"
			      "                            expected: a list\n"
			      "  detail            it has expired\n"
			      "  remedy            sign it again\n"
			      "  kept              release 2 is still served\n"
			      "  by                uid 0 gid 0 pid 19254 cp pid 7  at 2026-11-21T22:26:41Z\n";

static void takes_the_check_that_decided(void **state)
{
	(void)state;
	struct lambda_why why;
	lambda_why_parse(refused, &why);
	assert_string_equal(why.code, "VF2003");
	assert_string_equal(why.outcome, "refused");
	assert_string_equal(why.title, "signature expired");
	assert_string_equal(why.check, "expiry");
	assert_string_equal(why.mode, "Enforce");
	assert_string_equal(why.found, "expired 3 days ago");
	assert_string_equal(why.expected, "a signature that is valid today");
	assert_string_equal(why.detail, "it has expired");
	assert_string_equal(why.remedy, "sign it again");
	assert_string_equal(why.kept, "release 2 is still served");
	assert_int_equal(why.pid, 19254);

	struct buf text = {0};
	assert_int_equal(lambda_why_print(&why, "function f was not deployed", &text), 0);
	assert_string_equal(text.data, "function f was not deployed, VF2003: signature expired\n"
				       "    check:    expiry (Enforce)\n"
				       "    found:    expired 3 days ago\n"
				       "    expected: a signature that is valid today\n"
				       "    to do:    sign it again\n"
				       "    kept:     release 2 is still served");
	buf_done(&text);
}

static void takes_what_could_not_be_checked(void **state)
{
	(void)state;
	struct lambda_why why;
	lambda_why_parse("VF3001 refused  slot=functions/f\n  could not be checked\n"
			 "  check revocation  could not be checked  no list  (Enforce)\n"
			 "                            expected: a list\n",
			 &why);
	assert_string_equal(why.check, "revocation");
	assert_string_equal(why.found, "no list");
	assert_string_equal(why.expected, "a list");
}

static void takes_what_has_no_reason(void **state)
{
	(void)state;
	struct lambda_why why;
	lambda_why_parse("accepted  slot=functions/f\n  check source      ok      signed\n"
			 "  by                uid 0 gid 0 pid 12 cp  at 2026-11-21T22:26:41Z\n",
			 &why);
	assert_string_equal(why.outcome, "accepted");
	assert_string_equal(why.code, "");
	assert_string_equal(why.check, "");
	assert_int_equal(why.pid, 12);
	lambda_why_parse("not deployed  slot=functions/f  artifact=f.zip\n  remedy            free the disk\n", &why);
	assert_string_equal(why.outcome, "failed");
	assert_string_equal(why.remedy, "free the disk");
	lambda_why_parse("", &why);
	assert_string_equal(why.outcome, "");
	lambda_why_parse("VF2001", &why);
	assert_string_equal(why.code, "VF2001");
	assert_string_equal(why.title, "");
}

static void cuts_what_is_too_long(void **state)
{
	(void)state;
	char text[4096];
	struct lambda_why why;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	lambda_why_parse(text, &why);
	assert_int_equal(strlen(why.outcome), sizeof(why.outcome) - 1);
	memcpy(text, "VF2001 refused\n", 15);
	lambda_why_parse(text, &why);
	assert_int_equal(strlen(why.title), sizeof(why.title) - 1);
}

static const char *error_name(const char *code, const char *title)
{
	struct lambda_why why = {0};
	(void)snprintf(why.code, sizeof(why.code), "%s", code);
	(void)snprintf(why.title, sizeof(why.title), "%s", title);
	return lambda_why_error_name(&why);
}

static void every_reason_has_an_error(void **state)
{
	(void)state;
	size_t count;
	const struct policy_reason_info *reasons = policy_reasons(&count);
	for (size_t i = 0; i < count; i++) {
		bool none = reasons[i].reason == POLICY_REASON_NONE;
		const char *name = error_name(reasons[i].code, reasons[i].title);
		assert_int_equal(strcmp(name, "ServiceException") == 0, none);
	}
	assert_string_equal(error_name("VF1002", ""), "InvalidCodeSignatureException");
	assert_string_equal(error_name("VF3001", ""), "CodeVerificationFailedException");
	assert_string_equal(error_name("VF9999", ""), "ServiceException");
}

static void reasons_of_one_code_have_their_own_errors(void **state)
{
	(void)state;
	static const struct {
		enum policy_reason reason;
		const char *name;
	} rows[] = {
		{POLICY_VF2005_LAYER, "CodeVerificationFailedException"},
		{POLICY_VF2005_PERMISSION, "AccessDeniedException"},
		{POLICY_VF2005_LIST, "InvalidParameterValueException"},
		{POLICY_VF4002_TOO_LARGE, "RequestEntityTooLargeException"},
		{POLICY_VF4002_TOO_MANY, "InvalidParameterValueException"},
		{POLICY_VF5001_BUNDLE, "InvalidParameterValueException"},
		{POLICY_VF5002_SEQUENCE, "InvalidParameterValueException"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct policy_reason_info *info = policy_reason_info(rows[i].reason);
		assert_string_equal(error_name(info->code, info->title), rows[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_check_that_decided),
		cmocka_unit_test(takes_what_could_not_be_checked),
		cmocka_unit_test(takes_what_has_no_reason),
		cmocka_unit_test(cuts_what_is_too_long),
		cmocka_unit_test(every_reason_has_an_error),
		cmocka_unit_test(reasons_of_one_code_have_their_own_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
