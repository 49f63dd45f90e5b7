#include "zip_refuse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

#define SENTENCE_MAX	 512
#define ESCAPED_NAME_MAX 200

static void refuse(struct zip_refusal *refusal, enum zip_rule rule, const char *remedy, const char *sentence)
{
	refusal->rule = rule;
	explain_set(&refusal->text, "ZIP-R%02u: %s", (unsigned)rule, sentence);
	explain_set(&refusal->remedy, "%s", remedy);
}

int zip_refuse(struct zip_refusal *refusal, enum zip_rule rule, const char *remedy, const char *format, ...)
{
	if (!refusal)
		return -EBADMSG;

	char sentence[SENTENCE_MAX];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	refuse(refusal, rule, remedy, sentence);
	return -EBADMSG;
}

int zip_refuse_entry(struct zip_refusal *refusal, enum zip_rule rule, const char *remedy, const char *name,
		     size_t name_len, const char *format, ...)
{
	if (!refusal)
		return -EBADMSG;

	char sentence[SENTENCE_MAX], escaped[ESCAPED_NAME_MAX];
	va_list args;
	va_start(args, format);
	int used = snprintf(sentence, sizeof(sentence),
			    "entry \"%s\": ", text_escape_print(escaped, sizeof(escaped), name, name_len));
	(void)vsnprintf(sentence + used, sizeof(sentence) - (size_t)used, format, args);
	va_end(args);
	refuse(refusal, rule, remedy, sentence);
	return -EBADMSG;
}
