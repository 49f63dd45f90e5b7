/*
 * Throws texts at the parsers of identifiers. What must hold: nothing crashes; a text that parses is printed as the
 * same text; it is of one form only; a version of a profile matches the profile.
 */
#include <stdlib.h>
#include <string.h>

#include "arn/arn.h"
#include "fuzz.h"

struct parsed {
	struct arn_profile profile, version;
	struct arn_job job;
	struct arn_scope revocations;
	struct arn_code_signing code_signing;
	struct arn_function function;
	struct arn_layer_version layer;
};

static unsigned check(bool parses, const char *printed, const char *text, size_t len)
{
	if (parses)
		ASSERT(strlen(printed) == len && memcmp(printed, text, len) == 0);
	return parses;
}

static unsigned check_profile(const char *text, size_t len)
{
	char printed[ARN_TEXT_SIZE] = "";
	struct arn_profile any, version, pattern;
	bool parses = arn_parse_profile(text, len, &any);
	bool has_version = arn_parse_profile_version(text, len, &version);
	if (parses)
		arn_print_profile(&any, printed);
	ASSERT(!has_version || (parses && arn_profile_equal(&any, &version) && any.version[0] != '\0'));
	ASSERT(!parses || has_version == (any.version[0] != '\0'));
	if (has_version) {
		pattern = version;
		pattern.version[0] = '\0';
		ASSERT(arn_profile_matches(&pattern, &version) && arn_profile_matches(&version, &version));
	}
	return check(parses, printed, text, len);
}

static unsigned check_others(const char *text, size_t len)
{
	struct parsed p;
	char printed[ARN_TEXT_SIZE] = "";
	unsigned forms = 0;
	bool parses = arn_parse_job(text, len, &p.job);
	if (parses)
		arn_print_job(&p.job, printed);
	forms += check(parses, printed, text, len);
	if ((parses = arn_parse_revocations(text, len, &p.revocations)))
		arn_print_revocations(&p.revocations, printed);
	forms += check(parses, printed, text, len);
	if ((parses = arn_parse_code_signing(text, len, &p.code_signing)))
		arn_print_code_signing(&p.code_signing, printed);
	forms += check(parses, printed, text, len);
	if ((parses = arn_parse_function(text, len, &p.function)))
		arn_print_function(&p.function, printed);
	forms += check(parses, printed, text, len);
	if ((parses = arn_parse_layer_version(text, len, &p.layer)))
		arn_print_layer_version(&p.layer, printed);
	return forms + check(parses, printed, text, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size);
	unsigned forms = check_profile(text, size) + check_others(text, size);
	ASSERT(forms <= 1);
	(void)(arn_is_account(text, size) + arn_is_organization(text, size) + arn_is_region(text, size) +
	       arn_is_profile_name(text, size) + arn_is_profile_version(text, size) + arn_is_uuid(text, size));
	free(text);
	return 0;
}
