/* trust.h - the two halves of the tree that trust.c draws. Private to src/overview. */
#ifndef OVERVIEW_TRUST_PRIVATE_H
#define OVERVIEW_TRUST_PRIVATE_H

#include "publisher.h"
#include "tree.h"

/* What is put at which depth is said by whoever calls; each adds one branch with all below it. */
struct drawing {
	const struct overview_trust *trust;
	const struct overview *overview;
	struct tree *tree;
	const struct overview_account *told[64]; /* whose particulars stand above already */
	size_t told_count;
};

void trust_put_publisher(struct drawing *d, unsigned depth, const struct overview_config *config, const char *arn);
/* Notes on an account that has its branch. */
void trust_put_account_notes(struct drawing *d, unsigned depth, const struct overview_account *account);

#endif
