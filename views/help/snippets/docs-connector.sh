#!/bin/sh
# For root: runs a command, like `docs-connector doctor`, as the service would.
set -eu
# As systemd reads it: nothing in a value is special, quotes around it are left out.
while IFS= read -r line || [ -n "$line" ]; do
  case $line in
    [A-Za-z_]*=\"*\" | [A-Za-z_]*=\'*\') line=${line%?} && export "${line%%=*}=${line#*=?}" ;;
    [A-Za-z_]*=*) export "$line" ;;
  esac
done < /etc/docs-connector/settings
set -a
NODE_ENV=production
DATA_DIR=/var/lib/docs-connector
ONLYOFFICE_JWT_SECRET=$(cat /etc/docs-connector/jwt-secret)
ADMIN_TOKEN=$(cat /etc/docs-connector/admin-token)
set +a
cd /opt/docs-connector
umask 077
exec setpriv --reuid=docs-connector --regid=docs-connector --init-groups \
  node_modules/.bin/node src/cli.ts "$@"
