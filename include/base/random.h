/*
 * random.h - the kernel's random numbers. Aborts when there are none: nothing may go on without.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include "base/base.h"

#define RANDOM_UUID_SIZE 37

void random_bytes(void *ret, size_t len);
void random_uuid(char ret[RANDOM_UUID_SIZE]);	 /* version 4, lower case */
void random_alphanumeric(char *ret, size_t len); /* [0-9A-Za-z]{len} and a NUL, unbiased */

#endif
