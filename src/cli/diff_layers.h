/* diff_layers.h - the layers of two releases, compared. Private to src/cli. */
#ifndef CLI_DIFF_LAYERS_PRIVATE_H
#define CLI_DIFF_LAYERS_PRIVATE_H

#include "arn/arn.h"
#include "base/json.h"
#include "base/limits.h"

struct diff_layer {
	char name[ARN_LAMBDA_NAME_SIZE];
	uint64_t version;
	char signer[ARN_TEXT_SIZE]; /* profile version; "" when unsigned */
	char job[ARN_TEXT_SIZE];
};

/* Of one release, lowest first. */
struct diff_layers {
	struct diff_layer all[LIMIT_LAYERS];
	size_t count;
};

/* Of a release's open directory. -EBADMSG: that is no list of layers. */
int diff_layers_read(int fd, struct diff_layers *ret);

/* The same versions in the same order. */
bool diff_layers_are_same(const struct diff_layers *from, const struct diff_layers *to);
/* A line for each that was attached (+), detached (-) or is another version (~), with its signer, and one for another
 * order. */
void diff_layers_print(const struct diff_layers *from, const struct diff_layers *to);
/* Member "layers": those of both sides, and attached, detached, changed. */
void diff_layers_put(struct json *j, const struct diff_layers *from, const struct diff_layers *to);

#endif
