/*
 * address.h - where a bundle is fetched from: https://host[:port]/path[?query], or file:///path.
 */
#ifndef FETCH_ADDRESS_H
#define FETCH_ADDRESS_H

#include "base/base.h"
#include "base/explain.h"

#define ADDRESS_SIZE 2048

struct address {
	bool is_file;
	char text[ADDRESS_SIZE];  /* of https: as libcurl takes it; of a file: its path */
	char shown[ADDRESS_SIZE]; /* for logs: without a query, which may hold what only the server should read */
};

/* -EINVAL: another scheme, no host, a user name or a password in it, or nothing that is a URL. */
int address_parse(const char *text, struct address *ret, struct explain *ret_why);

#endif
