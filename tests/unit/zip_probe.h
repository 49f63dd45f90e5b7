/*
 * zip_probe.h - the outcome of an archive in memory, for tests: opened, then its contents checked.
 */
#ifndef TESTS_ZIP_PROBE_H
#define TESTS_ZIP_PROBE_H

#include "archive/zip.h"
#include "zip_builder.h"

/* 0: admissible; else the rule that is broken. Any other failure ends the test. refusal may be NULL. */
unsigned zip_probe(const struct buf *zip, struct zip_refusal *ret_refusal);

/* The same without the contents: what admission asks of a signed archive. */
unsigned zip_probe_structure(const struct buf *zip, struct zip_refusal *ret_refusal);

/* zip_probe for the archive that z makes; empties z. */
unsigned zip_probe_builder(struct zip_builder *z, struct zip_refusal *ret_refusal);

#endif
