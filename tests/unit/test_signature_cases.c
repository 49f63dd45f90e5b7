/*
 * Signatures that must not pass, each forged in one way and refused for that reason alone, by the gate as a deployment
 * meets it: the exact code under Enforce, and what Warn makes of it. Between them, signatures that are made on the same
 * ways with nothing wrong, and pass.
 */
#include "signature_scene.h"

int main(void)
{
	static const struct signature_cases *const tables[] = {
		&signature_cases_statement, &signature_cases_message, &signature_cases_encoding,
		&signature_cases_chain,	    &signature_cases_policy,
	};
	return signature_cases_run("signature cases", tables, ARRAY_SIZE(tables));
}
