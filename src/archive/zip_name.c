/*
 * Names of entries. Unicode's tables come from libutf8proc; which characters are assigned depends on its version, which
 * tests/unit/test_zip_name.c pins.
 */
#include "zip_name.h"

#include <string.h>
#include <utf8proc.h>

/* Canonical decomposition makes at most four code points of one (Unicode Standard Annex 15). */
#define NFC_EXPANSION_MAX 4U

bool zip_name_is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

/* What is wrong with a character by its general category, or NULL. */
static const char *judge_category(utf8proc_int32_t code_point)
{
	switch ((int)utf8proc_category(code_point)) {
	case UTF8PROC_CATEGORY_CC:
		return "holds a control character";
	case UTF8PROC_CATEGORY_CF:
		return "holds an invisible format character";
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return "holds a line or paragraph separator";
	case UTF8PROC_CATEGORY_CO:
		return "holds a private-use character";
	case UTF8PROC_CATEGORY_CN:
	case UTF8PROC_CATEGORY_CS:
		return "holds an unassigned character";
	default:
		return NULL;
	}
}

/* What is wrong with the characters, or NULL. */
static const char *find_bad_character(const char *name, size_t len)
{
	const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)name, *end = at + len;
	while (at < end) {
		if (*at == '\\')
			return "holds a backslash";
		if (*at >= 0x20 && *at < 0x7f) {
			at++;
			continue;
		}
		utf8proc_int32_t code_point;
		utf8proc_ssize_t used = utf8proc_iterate(at, end - at, &code_point);
		if (used <= 0)
			return "is not UTF-8";
		const char *problem = judge_category(code_point);
		if (problem)
			return problem;
		at += used;
	}
	return NULL;
}

/* name is valid UTF-8 and not longer than a name may be. */
static bool is_nfc(const char *name, size_t len)
{
	utf8proc_int32_t room[(LIMIT_ZIP_NAME_BYTES + 1) * NFC_EXPANSION_MAX + 1];

	ASSERT(len <= LIMIT_ZIP_NAME_BYTES + 1);
	const utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
	utf8proc_ssize_t count = utf8proc_decompose((const utf8proc_uint8_t *)name, (utf8proc_ssize_t)len, room,
						    ARRAY_SIZE(room) - 1, options);
	if (count < 0 || (size_t)count >= ARRAY_SIZE(room))
		return false;
	utf8proc_ssize_t normal_len = utf8proc_reencode(room, count, options);
	return normal_len == (utf8proc_ssize_t)len && memcmp(room, name, len) == 0;
}

/* What is wrong with the path, or NULL. len is without a trailing slash. */
static const char *find_bad_component(const char *name, size_t len)
{
	if (len == 0)
		return "is empty";
	if (name[0] == '/')
		return "is absolute";
	if (len >= 2 && name[1] == ':' && ((name[0] | 0x20) >= 'a' && (name[0] | 0x20) <= 'z'))
		return "begins with a drive letter";

	size_t components = 0;
	for (size_t begin = 0, end; begin <= len; begin = end + 1) {
		const char *slash = memchr(name + begin, '/', len - begin);
		end = slash ? (size_t)(slash - name) : len;
		const char *component = name + begin;
		size_t component_len = end - begin;
		if (component_len == 0)
			return "has an empty component";
		if ((component_len == 1 && component[0] == '.') ||
		    (component_len == 2 && component[0] == '.' && component[1] == '.'))
			return "has a component . or ..";
		if (component_len > LIMIT_ZIP_COMPONENT_BYTES)
			return "has a component of more than 255 bytes";
		if (++components > LIMIT_ZIP_COMPONENTS)
			return "has more than 64 components";
	}
	return NULL;
}

/* Info-ZIP's unzip takes `;1` at the end of a file's name for a VMS version and cuts it off. */
static bool ends_in_vms_version(const char *name, size_t len)
{
	while (len > 0 && name[len - 1] >= '0' && name[len - 1] <= '9')
		len--;
	return len > 0 && name[len - 1] == ';';
}

int zip_name_check(const char *name, size_t len, bool is_utf8, struct zip_refusal *refusal)
{
	size_t path_len = len > 0 && name[len - 1] == '/' ? len - 1 : len;
	if (path_len > LIMIT_ZIP_NAME_BYTES)
		return zip_refuse_entry(refusal, ZIP_R10_NAME, REMEDY_RENAME, name, len,
					"the name has more than %u bytes", LIMIT_ZIP_NAME_BYTES);

	const char *problem = find_bad_character(name, len);
	if (!problem)
		problem = find_bad_component(name, path_len);
	if (!problem && ends_in_vms_version(name, len))
		problem = "ends in a semicolon and a version, which unzip cuts off";
	if (problem)
		return zip_refuse_entry(refusal, ZIP_R10_NAME, REMEDY_RENAME, name, len, "the name %s", problem);

	if (zip_name_is_ascii(name, len))
		return 0;
	if (!is_utf8)
		return zip_refuse_entry(refusal, ZIP_R10_NAME, REMEDY_UTF8, name, len,
					"the name is not ASCII and not marked as UTF-8 (flag bit 11)");
	if (!is_nfc(name, len))
		return zip_refuse_entry(refusal, ZIP_R10_NAME, REMEDY_NFC, name, len,
					"the name is not in Unicode normalization form C");
	return 0;
}

static void fold_ascii(const char *component, size_t len, struct zip_folded *ret)
{
	char *text = (char *)ret->room;
	for (size_t i = 0; i < len; i++)
		text[i] = (char)(component[i] >= 'A' && component[i] <= 'Z' ? component[i] | 0x20 : component[i]);
	ret->text = text;
	ret->len = len;
}

void zip_name_fold(const char *component, size_t len, struct zip_folded *ret)
{
	ASSERT(len <= LIMIT_ZIP_COMPONENT_BYTES);
	if (zip_name_is_ascii(component, len)) {
		fold_ascii(component, len, ret);
		return;
	}
	const utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD;
	utf8proc_ssize_t count = utf8proc_decompose((const utf8proc_uint8_t *)component, (utf8proc_ssize_t)len,
						    ret->room, (utf8proc_ssize_t)ARRAY_SIZE(ret->room) - 1, options);
	ASSERT(count >= 0 && (size_t)count < ARRAY_SIZE(ret->room));
	utf8proc_ssize_t folded_len = utf8proc_reencode(ret->room, count, options);
	ASSERT(folded_len >= 0);
	ret->text = (const char *)ret->room;
	ret->len = (size_t)folded_len;
}
