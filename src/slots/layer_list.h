/*
 * layer_list.h - a function's list of layers, the text of its file functions/<f>/layers.
 *
 *     tools:3
 *     arn:vouchfs:lambda:local:111122223333:layer:base:1
 *
 * A layer version a line, the first is the lowest; at most LIMIT_LAYERS, no layer twice. No empty lines, no comments,
 * no blanks; the last line may lack its end. An empty text is a list of none.
 */
#ifndef SLOTS_LAYER_LIST_H
#define SLOTS_LAYER_LIST_H

#include "gate/gate.h"
#include "gate/layer_policy.h"

#define LAYER_LIST_NAME "layers"

/* Who wants to use what. */
struct layer_list_request {
	struct store *store;
	const struct trust *trust;
	const char *text; /* NUL-terminated; a NUL inside is a mistake of whoever wrote it */
	size_t len;
	const struct layer_user *user; /* for whom the writer acts */
};

/*
 * Reads the list, and puts what it names into record->layers, with the text. record has none before. A refusal is a
 * verdict: ret_refusal, whose outcome is POLICY_ACCEPTED otherwise. Negative errno: it could not be found out.
 */
int layer_list_take(const struct layer_list_request *request, struct store_release *record,
		    struct policy_verdict *ret_refusal);
/* Nothing of this name ("tools:3") is published. */
void layer_list_refuse_absent(unsigned line, const char *name, struct policy_verdict *ret);

#endif
