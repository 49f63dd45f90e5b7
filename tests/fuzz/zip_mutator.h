/*
 * zip_mutator.h - changes archives as archives: takes one apart into entries, headers and fields, changes some of them,
 * and writes it down again. Every other time lengths, offsets, CRCs and the end record are computed anew, so that the
 * archive still is one and the change is looked at by itself; else they stay as they were, or are changed, too.
 */
#ifndef TESTS_FUZZ_ZIP_MUTATOR_H
#define TESTS_FUZZ_ZIP_MUTATOR_H

#include "base/base.h"

/* As LLVMFuzzerCustomMutator, which targets of archives call this from. */
size_t zip_mutate(uint8_t *data, size_t size, size_t max, unsigned seed);

#endif
