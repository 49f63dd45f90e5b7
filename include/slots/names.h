/*
 * names.h - what a name below a slot means: to the deploy side and to signing slots alike.
 */
#ifndef SLOTS_NAMES_H
#define SLOTS_NAMES_H

enum deploy_name {
	DEPLOY_NAME_INVALID = 0,
	DEPLOY_NAME_FINAL,   /* ends in .zip and does not start with a dot */
	DEPLOY_NAME_LAYERS,  /* the list of layers */
	DEPLOY_NAME_STAGING, /* starts with a dot, or ends in ~ .tmp .part .filepart; sed -i's sedAb3xYz */
};

enum deploy_name deploy_name_kind(const char *name);

#endif
