#!/bin/sh
# The namespace, and the search attributes that workflows/contracts.py writes. Safe to repeat. TEMPORAL_ADDRESS says where.
set -eu

namespace="${TEMPORAL_NAMESPACE:-default}"
attempt=0
until temporal operator cluster health >/dev/null 2>&1; do
  attempt=$((attempt + 1))
  [ "$attempt" -lt 60 ] || { echo "Temporal at $TEMPORAL_ADDRESS does not serve" >&2; exit 1; }
  sleep 1
done
temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1 \
  || temporal operator namespace create --namespace "$namespace" --retention "${TEMPORAL_RETENTION:-7d}"
# A namespace that is new is known everywhere after a few seconds.
attempt=0
until temporal operator search-attribute create --namespace "$namespace" \
  --name LkStatus --type Keyword \
  --name LkDepartment --type Keyword \
  --name LkPriority --type Keyword \
  --name LkChannel --type Keyword \
  --name LkDue --type Datetime; do
  attempt=$((attempt + 1))
  [ "$attempt" -lt 30 ] || { echo "the search attributes of namespace $namespace could not be made" >&2; exit 1; }
  sleep 1
done
