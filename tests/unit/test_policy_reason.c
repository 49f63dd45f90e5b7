#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/reason.h"

/* The table of the manual, once more. */
static void every_reason_has_its_errnos_and_exit_code(void **state UNUSED)
{
	static const struct {
		enum policy_reason reason;
		const char *code;
		int key, permission, exit_code;
	} rows[] = {
		{POLICY_REASON_NONE, "-", 0, 0, 0},
		{POLICY_VF1001_ZIP, "VF1001", EINVAL, EINVAL, 14},
		{POLICY_VF1002_INTEGRITY, "VF1002", EBADMSG, EPERM, 13},
		{POLICY_VF2001_UNSIGNED, "VF2001", ENOKEY, EACCES, 10},
		{POLICY_VF2002_SOURCE, "VF2002", EKEYREJECTED, EACCES, 11},
		{POLICY_VF2003_EXPIRED, "VF2003", EKEYEXPIRED, EACCES, 12},
		{POLICY_VF2004_REVOKED, "VF2004", EKEYREVOKED, EACCES, 15},
		{POLICY_VF2005_LAYER, "VF2005", EKEYREJECTED, EACCES, 16},
		{POLICY_VF2005_PERMISSION, "VF2005", EACCES, EACCES, 16},
		{POLICY_VF2005_LIST, "VF2005", EINVAL, EINVAL, 16},
		{POLICY_VF3001_UNDECIDED, "VF3001", EKEYREJECTED, EACCES, 20},
		{POLICY_VF4001_NO_SLOT, "VF4001", ENOENT, ENOENT, 17},
		{POLICY_VF4002_TOO_LARGE, "VF4002", EFBIG, EFBIG, 18},
		{POLICY_VF4002_TOO_MANY, "VF4002", E2BIG, E2BIG, 18},
		{POLICY_VF5001_BUNDLE, "VF5001", EINVAL, EINVAL, 21},
		{POLICY_VF5002_SEQUENCE, "VF5002", EPERM, EPERM, 22},
	};
	size_t count;
	(void)policy_reasons(&count);
	assert_int_equal(count, ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct policy_reason_info *info = policy_reason_info(rows[i].reason);
		assert_string_equal(info->code, rows[i].code);
		assert_int_equal(info->exit_code, rows[i].exit_code);
		assert_int_equal(policy_reason_errno(rows[i].reason, CONFIG_ERRNO_KEY), rows[i].key);
		assert_int_equal(policy_reason_errno(rows[i].reason, CONFIG_ERRNO_PERMISSION), rows[i].permission);
	}
}

/* EAGAIN and EINTR make tools retry for ever, ETXTBSY and EXDEV make rsync unlink, 512 and above hang the caller. */
static void no_reason_uses_an_errno_that_harms(void **state UNUSED)
{
	size_t count;
	const struct policy_reason_info *reasons = policy_reasons(&count);
	for (size_t i = 0; i < count; i++)
		for (int style = CONFIG_ERRNO_KEY; style <= CONFIG_ERRNO_PERMISSION; style++) {
			int error = policy_reason_errno(reasons[i].reason, (enum config_errno_style)style);
			assert_true(error < 512);
			assert_true(error != EAGAIN && error != EINTR && error != ETXTBSY && error != EXDEV);
			assert_int_equal(error == 0, reasons[i].reason == POLICY_REASON_NONE);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_its_errnos_and_exit_code),
		cmocka_unit_test(no_reason_uses_an_errno_that_harms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
