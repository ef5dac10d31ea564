# Functions for the shell of the command-line lane. Load them with:  . labs/requests.sh
#
#   devops GET  "_apis/projects?api-version=7.1"                       one request to your organisation
#   devops POST "_apis/projects?api-version=7.1" '{"name": "…"}'
#   azure  PUT  "/subscriptions/…?api-version=…" '{"location": "…"}'   one request to Azure's resource manager
#   devops GET  "_apis/projects?api-version=7.1" | value count         one value of an answer, by its path
#
#   devops GET  "…/timeline?api-version=7.1" | pick records type=Task result=failed | value name   the first that fits
#   await_run "$(git rev-parse HEAD)"        waits until the run of a commit is over; fails when the run has failed
#   devops GET  "…/build/definitions/1?api-version=7.1" | with_secret staging.key "$key"   a definition, with a secret variable
#
# AZURE_DEVOPS_ORG_URL is the organisation's address, AZURE_DEVOPS_EXT_PAT its token. Tokens and bodies go through a
# file descriptor: on the command line every process of this machine could read them.

devops() {
  request "$1" "$AZURE_DEVOPS_ORG_URL/$2" "${3-}" "$(printf 'user = ":%s"' "$AZURE_DEVOPS_EXT_PAT")"
}

azure() {
  local manager="https://management.azure.com"
  if [ -n "${ARM_CLOUD_METADATA_URL-}" ]; then
    manager="${ARM_CLOUD_METADATA_URL%%/metadata/*}"
  fi
  local token
  token="$(python -c 'import sys
from azure.identity import DefaultAzureCredential
print(DefaultAzureCredential().get_token(sys.argv[1]).token)' "$manager/.default")" || return
  request "$1" "$manager$2" "${3-}" "header = \"Authorization: Bearer $token\""
}

request() {
  local options=(--silent --show-error --fail-with-body --request "$1" "$2")
  if [ -n "${REQUESTS_CA_BUNDLE-}" ]; then
    options+=(--cacert "$REQUESTS_CA_BUNDLE") # what the SDKs trust; curl may have been told something else
  fi
  if [ -n "$3" ]; then
    printf '%s' "$3" | curl "${options[@]}" --header "Content-Type: application/json" --data-binary @- \
      --config <(printf '%s\n' "$4")
  else
    curl "${options[@]}" --config <(printf '%s\n' "$4")
  fi
}

value() {
  python -c 'import json, sys
found = json.load(sys.stdin)
for part in sys.argv[1].split("."):
    found = found[int(part)] if isinstance(found, list) else found[part]
print(found if isinstance(found, str) else json.dumps(found))' "$1"
}

pick() {
  python -c 'import json, sys
wanted = [part.partition("=")[::2] for part in sys.argv[2:]]
found = [one for one in json.load(sys.stdin)[sys.argv[1]] if all(str(one.get(name)) == is_ for name, is_ in wanted)]
print(json.dumps(found[0])) if found else sys.exit("nothing in " + " ".join(sys.argv[1:]))' "$@"
}

with_secret() {
  SECRET_VALUE="$2" python -c 'import json, os, sys
found = json.load(sys.stdin)
found.setdefault("variables", {})[sys.argv[1]] = {"value": os.environ["SECRET_VALUE"], "isSecret": True}
print(json.dumps(found))' "$1"
}

await_run() {
  local runs="AIDevCollege/_apis/build/builds?queryOrder=queueTimeDescending&api-version=7.1" found="" result
  until [[ "$found" == *'"status": "completed"'* ]]; do
    sleep 2
    found="$(devops GET "$runs" | pick value sourceVersion="$1" 2> /dev/null)"
  done
  result="$(value result <<< "$found")"
  echo "$result"
  [ "$result" = succeeded ]
}

# What modules 8 and 10 do step by step, for the modules after them:
#
#   approve "Staging was tested."            waits until a run asks, then says yes
#   merge gates "Gates that can say no"      a pull request from a branch into main, approved and completed

approve() {
  local approvals="AIDevCollege/_apis/pipelines/approvals" found
  until found="$(devops GET "$approvals?state=pending&api-version=7.1-preview.1")" && [[ "$found" == *'"pending"'* ]]; do
    sleep 2
  done
  devops PATCH "$approvals?api-version=7.1-preview.1" \
    "[{\"approvalId\": \"$(value value.0.id <<< "$found")\", \"status\": \"approved\", \"comment\": \"$1\"}]" \
    | value value.0.status
}

merge() {
  local requests="AIDevCollege/_apis/git/repositories/AIDevCollege/pullrequests" version="api-version=7.1" number me commit
  number="$(devops POST "$requests?$version" \
    "{\"sourceRefName\": \"refs/heads/$1\", \"targetRefName\": \"refs/heads/main\", \"title\": \"$2\"}" | value pullRequestId)"
  me="$(devops GET "_apis/connectionData?api-version=7.1-preview" | value authenticatedUser.id)"
  devops PUT "$requests/$number/reviewers/$me?$version" '{"vote": 10}' > /dev/null
  commit="$(devops GET "$requests/$number?$version" | value lastMergeSourceCommit.commitId)"
  devops PATCH "$requests/$number?$version" \
    "{\"status\": \"completed\", \"lastMergeSourceCommit\": {\"commitId\": \"$commit\"}}" | value status
}
