#!/usr/bin/env bash
# Fills in labs/passport.toml from what the services say about the version that production runs (module 9).
# Run it in the folder of the clone, after a release:  bash labs/passport.sh

set -euo pipefail
. labs/requests.sh

group="/subscriptions/$AZURE_SUBSCRIPTION_ID/resourceGroups/rg-diabetes-$WORKSHOP_SUFFIX"
workspace="$group/providers/Microsoft.MachineLearningServices/workspaces/mlw-diabetes-$WORKSHOP_SUFFIX"
endpoint="$workspace/onlineEndpoints/diabetes-production-$WORKSHOP_SUFFIX"
version="api-version=2024-10-01"

# --8<-- [start:m9-chain]
# The deployment that gets the traffic names a model version; its tags name the rest.
live="$(azure GET "$endpoint?$version" | value properties.traffic | python -c 'import json, sys
traffic = json.load(sys.stdin)
print(max(traffic, key=traffic.get))')"
model="$(azure GET "$endpoint/deployments/$live?$version" | value properties.model)"
tags="$(azure GET "$model?$version" | value properties.tags)"

# The build's timeline holds the approval, and the approval who gave it.
build="$(value build <<< "$tags")"
approval="$(devops GET "AIDevCollege/_apis/build/builds/$build/timeline?api-version=7.1" \
  | pick records type=Checkpoint.Approval result=succeeded | value id)"
approver="$(devops GET "AIDevCollege/_apis/pipelines/approvals/$approval?\$expand=steps&api-version=7.1-preview.1" \
  | value steps.0.actualApprover.displayName)"
# --8<-- [end:m9-chain]

fill() {
  local text
  text="$(printf '%s' "$2" | sed 's/[&|\\]/\\&/g')" # these three mean something to sed
  sed -i.before "s|^\($1 *= *\)\"[^\"]*\"|\1\"$text\"|" labs/passport.toml
  rm labs/passport.toml.before
}

name="${model##*/models/}"
fill model_version "${name/\/versions\//:}"
fill run_id "$(value job <<< "$tags")"
fill commit "$(value commit <<< "$tags")"
fill data_version "$(value data <<< "$tags")"
fill approver "$approver"
grep '^[a-z]' labs/passport.toml
