#!/bin/sh
# For root: runs a command, like `docs-connector doctor`, as the service would.
set -eu
set -a
. /etc/docs-connector/settings
NODE_ENV=production
DATA_DIR=/var/lib/docs-connector
ONLYOFFICE_JWT_SECRET=$(cat /etc/docs-connector/jwt-secret)
ADMIN_TOKEN=$(cat /etc/docs-connector/admin-token)
set +a
cd /opt/docs-connector
umask 077
exec setpriv --reuid=docs-connector --regid=docs-connector --init-groups \
  node_modules/.bin/node src/cli.ts "$@"
