#!/bin/sh
# Databases and logins, once, when PostgreSQL is new. Nobody but this script and a person at the console acts as its superuser.
#   loopkeeper_migrator  owns the database and changes its shape: `loopkeeper migrate`, and nothing else
#   loopkeeper_service   API, worker and dispatcher: may do what loopkeeper_app may, which is not to change or delete history
#   loopkeeper_housekeeper  seals the log; destroys words: erasure, retention (`loopkeeper privacy`). Reads and adds, and changes no history
#   loopkeeper_archivist reads everything, for backups, and changes nothing
#   loopkeeper_inspector for an auditor with psql: histories and the log, no customer's words, and changes nothing
#   temporal             Temporal's own two databases
set -eu

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set migrator="$MIGRATOR_PASSWORD" --set service="$SERVICE_PASSWORD" --set temporal="$TEMPORAL_PASSWORD" \
  --set housekeeper="$HOUSEKEEPER_PASSWORD" --set archivist="$ARCHIVIST_PASSWORD" --set inspector="$INSPECTOR_PASSWORD" <<'SQL'
create role loopkeeper_owner nologin;
create role loopkeeper_app nologin;
create role loopkeeper_sealer nologin;
create role loopkeeper_auditor nologin;
create role loopkeeper_privacy nologin;
create role loopkeeper_backup nologin;
create role loopkeeper_migrator login password :'migrator';
create role loopkeeper_service login password :'service';
create role loopkeeper_housekeeper login password :'housekeeper';
create role loopkeeper_archivist login password :'archivist';
create role loopkeeper_inspector login password :'inspector';
create role temporal login password :'temporal';
grant loopkeeper_owner, loopkeeper_app, loopkeeper_sealer, loopkeeper_auditor, loopkeeper_privacy, loopkeeper_backup
  to loopkeeper_migrator with inherit false, set true;
grant loopkeeper_app to loopkeeper_service with inherit false, set true;
grant loopkeeper_app, loopkeeper_sealer, loopkeeper_privacy to loopkeeper_housekeeper with inherit false, set true;
grant loopkeeper_backup to loopkeeper_archivist with inherit false, set true;
grant loopkeeper_auditor to loopkeeper_inspector with inherit true, set true;

create database loopkeeper owner loopkeeper_migrator;
revoke all on database loopkeeper from public;
grant connect on database loopkeeper to loopkeeper_service, loopkeeper_housekeeper, loopkeeper_archivist, loopkeeper_inspector;

create database temporal owner temporal;
create database temporal_visibility owner temporal;
revoke all on database temporal, temporal_visibility from public;
SQL
