#!/usr/bin/env bats
# Every file operation on every kind of node by every kind of caller: permissions.table says what comes of it, to the
# errno. PERMISSIONS_PRINT=DIRECTORY writes the tables there as they are found.

load lib
load policy
load rights

setup() { :; }
teardown() { lib_teardown; }

OTHER=7009
start_signing() { :; } # nobody signs here

# A tree with something of every kind.
mk_code() {
	mkdir -p "$T/code/lib"
	printf 'print(1)\n' >"$T/code/app.py"
	printf '#!/bin/sh\nexit 0\n' >"$T/code/run.sh"
	chmod +x "$T/code/run.sh"
	printf 'x\n' >"$T/code/lib/x"
	rm "$T/a.zip"
	(cd "$T/code" && zip -q -X -r "$T/a.zip" .)
	sign_zip release "$T/a.zip"
	chmod 0644 "$T/a.zip"
}

# caller NAME UID GID GROUPS [namespace]
caller() { printf '"%s": {"uid": %s, "gid": %s, "groups": [%s], "namespace": %s}' "$1" "$2" "$3" "$4" "${5:-0}"; }

# write_permissions_scene NODES: lines of a name and a path
write_permissions_scene() {
	local nodes
	nodes=$(awk '{ printf "%s\"%s\": \"%s\"", (NR > 1 ? "," : ""), $1, $2 }')
	mkdir -m 1777 "$T/scratch"
	cat >"$T/scene.json" <<-END
		{"mnt": "$MNT", "scratch": "$T/scratch", "artifact": "$T/a.zip", "keeper": "${KEEPER:-owner}",
		 "watched": ["functions/main", "functions/main/.dir", "functions"$WATCHED],
		 "absent": ["functions/main/none.zip"],
		 "unlisted": ["functions/main/.stage", "functions/main/.dir", "functions/main/.dir/file"],
		 "callers": {$CALLERS},
		 "nodes": {$nodes}}
	END
}

printed_to() { echo "${PERMISSIONS_PRINT:-/dev/stdout}${PERMISSIONS_PRINT:+/$1}"; }

compare_or_print() {
	python3 "$BATS_TEST_DIRNAME/permissions.py" "$BATS_TEST_DIRNAME/$1" "$T/scene.json" ${PERMISSIONS_PRINT:+print} >"$(printed_to "$1")"
}

nodes_of_all() {
	cat <<-END
		root
		functions functions
		slot functions/main
		artifact functions/main/a.zip
		list functions/main/layers
		staging functions/main/.stage
		staging-dir functions/main/.dir
		staging-in-dir functions/main/.dir/file
		missing functions/main/none.zip
		layers layers
		layer-slot layers/base
		version layers/base/<version>.zip
		policy policy
		bundle policy/policy-1.zip
		control .vouchfs
		status .vouchfs/status
		status-json .vouchfs/status.json
		health .vouchfs/health
		metrics .vouchfs/metrics
		recent .vouchfs/recent
		events .vouchfs/events
		reload .vouchfs/reload
		reload-dry-run .vouchfs/reload-dry-run
		why-functions .vouchfs/why/functions
		why .vouchfs/why/functions/main
		why-layer .vouchfs/why/layers/base
		why-policy .vouchfs/why/policy
		history .vouchfs/history/functions/main
		history-json .vouchfs/history/functions/main.json
		rollback-functions .vouchfs/rollback/functions
		rollback .vouchfs/rollback/functions/main
		rollback-policy .vouchfs/rollback/policy
		permissions-layers .vouchfs/permissions/layers
		permissions .vouchfs/permissions/layers/shared:1
		break-glass .vouchfs/break-glass/functions/main
		policy-dir .vouchfs/policy
		policy-status .vouchfs/policy/status
		policy-drift .vouchfs/policy/drift
		policy-source .vouchfs/policy/source
		run run
		link run/main
		releases run/.releases
		releases-of run/.releases/main
		release run/main/.
		task run/main/task
		task-dir run/main/task/lib
		task-file run/main/task/app.py
		executable run/main/task/run.sh
		opt run/main/opt
		opt-dir run/main/opt/lib
		opt-file run/main/opt/app.py
		code run/main/code.zip
		release-json run/main/release.json
		missing-run run/main/task/none
	END
}

@test "operations, nodes and callers: who mounted is root" {
	rights_policy_setup
	mk_code
	cp "$T/a.zip" "$MNT/layers/shared/new.zip"
	as "$OWNER" "$SLOT_GROUP" cp "$T/a.zip" "$MNT/functions/main/"
	WATCHED=', "layers", "layers/base", "policy"'
	CALLERS="$(caller root 0 0 ''), $(caller owner "$OWNER" "$OWNER" "$SLOT_GROUP"),
		$(caller member "$MEMBER" "$MEMBER" "$SLOT_GROUP"), $(caller other $OTHER $OTHER ''),
		$(caller ns-other $OTHER $OTHER '' 1), $(caller ns-root 0 0 '' 1)"
	write_permissions_scene < <(nodes_of_all)
	compare_or_print permissions.table
}

# Nobody else is let in, by the kernel; whoever is root neither.
@test "operations, nodes and callers: who mounted is an ordinary user, for himself" {
	rights_user_setup
	mk_code
	as_user cp "$T/a.zip" "$MNT/functions/main/"
	CALLERS="$(caller root 0 0 ''), $(caller mounter 65534 65534 ''), $(caller other $OTHER $OTHER '')"
	KEEPER=mounter WATCHED=''
	write_permissions_scene < <(nodes_of_all | grep -E '^(root|functions|slot|artifact|staging|staging-dir|missing|control|status|events|reload-dry-run|rollback|run|layers)( |$)')
	compare_or_print permissions_user.table
}
