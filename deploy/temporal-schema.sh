#!/bin/sh
# Brings both of Temporal's databases to the shape that its server needs. Safe to repeat. SQL_HOST, SQL_USER and SQL_PASSWORD say where.
set -eu

for part in temporal visibility; do
  database=temporal
  [ "$part" = visibility ] && database=temporal_visibility
  temporal-sql-tool --plugin postgres12 --ep "$SQL_HOST" --port 5432 --db "$database" setup-schema --version 0.0
  temporal-sql-tool --plugin postgres12 --ep "$SQL_HOST" --port 5432 --db "$database" \
    update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$part/versioned"
done
