/* views_fixture.h - what goes with an overview on the views: signers, histories, and texts to be compared with. */
#ifndef VIEWS_FIXTURE_H
#define VIEWS_FIXTURE_H

#include "base/buf.h"
#include "overview/views.h"
#include "overview_fixture.h"

#define VIEWS_FIXTURE_OTHER_ACCOUNT "555555555555"

/* Another publisher for a config. */
void views_fixture_add_publisher(struct overview_config *config, const char *arn);
/*
 * Three more publishers for the first config: one that nobody uses, one that is revoked, one of an account that the
 * host does not trust.
 */
void views_fixture_add_publishers(struct overview *overview);

/* As a home says: profile "release", Active, with a statement of its own account and one of another. */
struct overview_signers *views_fixture_signers(void);
/* Two releases of "main", one of "invoices"; older ones and other functions were left out. */
struct overview_histories *views_fixture_histories(void);

/* No line has more than 80 columns; a character in UTF-8 takes one. */
void views_fixture_assert_fits(const struct buf *text);
/*
 * Fails where the text is not what tests/data/overview/NAME holds. With VOUCHFS_TEST_GOLDEN set the file is written
 * instead: look at what `git diff` says then.
 */
void views_fixture_compare(const struct buf *text, const char *name);

#endif
