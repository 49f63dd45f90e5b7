/* attention.h - what somebody should look at, the worst first. Private to src/overview. */
#ifndef OVERVIEW_ATTENTION_PRIVATE_H
#define OVERVIEW_ATTENTION_PRIVATE_H

#include "base/json.h"
#include "overview/overview.h"

enum attention_level { ATTENTION_BAD = 1, ATTENTION_WARNING };

struct attention {
	enum attention_level level;
	const char *mark; /* "BLOCKED" */
	char *subject;	  /* "functions/hello", "account 111122223333", "configuration" */
	char *text;	  /* what is the matter, a sentence */
	char *remedy;	  /* what to do; or NULL */
};

struct attentions {
	struct attention *all;
	size_t count;
	int error;
};

/* 0 or -ENOMEM; attentions_done in both cases. */
int attentions_find(const struct overview *overview, struct attentions *ret);
void attentions_done(struct attentions *attentions);
void attentions_put(struct json *j, const char *key, const struct attentions *attentions);

#endif
