/* trust.h - the parts of the tree that trust.c draws. Private to src/overview. */
#ifndef OVERVIEW_TRUST_PRIVATE_H
#define OVERVIEW_TRUST_PRIVATE_H

#include "publisher.h"
#include "tree.h"

#define TRUST_TOLD_MAX 64

/* What is put at which depth is said by whoever calls; each adds one branch with all below it. */
struct drawing {
	const struct overview_trust *trust;
	const struct overview *overview;
	struct tree *tree;
	/* Whose particulars stand above already; what does not fit is said again. */
	const struct overview_account *accounts[TRUST_TOLD_MAX];
	size_t account_count;
	struct arn_profile profiles[TRUST_TOLD_MAX]; /* without their versions */
	size_t profile_count;
};

void trust_put_publisher(struct drawing *d, unsigned depth, const struct overview_config *config, const char *arn);
/* What governs the host; nothing where no publisher is configured. */
void trust_put_policy(struct drawing *d);
/* Of a function for which no section is. */
const char *trust_missing_section(const struct overview_policy *policy);
/* Notes on an account that has its branch. */
void trust_put_account_notes(struct drawing *d, unsigned depth, const struct overview_account *account);

#endif
